//! Timeouts of request bodies: a client may neither pause too long nor send too slowly, and the body of a refused request is
//! read only briefly.
//!
//! Only the time spent waiting for the client counts, not the time that a busy disk takes.

use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout};

/// How long the rest of a refused body is read, so that the client sees the answer instead of a reset connection.
const LINGER: Duration = Duration::from_secs(2);

/// The minimum pace of a body.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The longest pause, and the window over which the rate is measured.
    pub idle_timeout: Duration,
    /// The minimum rate in bytes per second; 0 for no minimum.
    pub min_rate: u64,
}

impl Pace {
    /// Whether so many bytes are enough for one window.
    fn suffices(self, bytes: u64) -> bool {
        bytes >= self.min_rate.saturating_mul(self.idle_timeout.as_secs())
    }
}

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyTimeoutError {
    #[error("the client pauses for too long or sends too slowly")]
    TooSlow,
    #[error("the connection broke: {0}")]
    Broken(#[from] axum::Error),
}

/// Reads a body and measures its pace.
pub(crate) struct Meter {
    pace: Pace,
    /// Bytes that arrived in this window.
    bytes: u64,
    /// The part of this window that was spent waiting for the client.
    waited: Duration,
}

impl Meter {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, bytes: 0, waited: Duration::ZERO }
    }

    /// The next bytes; `None` at the end of the body.
    pub(crate) async fn next(&mut self, data: &mut BodyDataStream) -> Result<Option<Bytes>, BodyTimeoutError> {
        let window = self.pace.idle_timeout;
        let paused = Instant::now();
        loop {
            let asked = Instant::now();
            let patience = (window.saturating_sub(self.waited)).min((paused + window).saturating_duration_since(asked));
            match timeout(patience, data.next()).await {
                Ok(chunk) => {
                    self.waited += asked.elapsed();
                    let chunk = chunk.transpose()?;
                    self.bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                    return Ok(chunk);
                }
                Err(_) if paused.elapsed() >= window || self.too_few() => return Err(BodyTimeoutError::TooSlow),
                Err(_) => (self.bytes, self.waited) = (0, Duration::ZERO),
            }
        }
    }

    fn too_few(&self) -> bool {
        !self.pace.suffices(self.bytes)
    }
}

/// Measures the pace of a body that arrives in messages: they are read by someone else, and the client waits for grants.
pub(crate) struct MessagePace {
    pace: Pace,
    /// When the window began over which the rate is measured.
    window: Instant,
    /// When the last bytes arrived.
    last: Instant,
    /// Bytes that arrived in this window.
    bytes: u64,
}

impl MessagePace {
    pub(crate) fn new(pace: Pace) -> Self {
        let now = Instant::now();
        Self { pace, window: now, last: now, bytes: 0 }
    }

    /// When the client has paused for too long.
    pub(crate) fn paused(&self) -> Instant {
        self.last + self.pace.idle_timeout
    }

    /// When the body is too slow, unless more bytes arrive.
    pub(crate) fn overdue(&self) -> Instant {
        let time = self.pace.idle_timeout;
        // With enough bytes in this window, the next one has to have enough as well.
        let windows = if self.is_enough() { 2 } else { 1 };
        self.paused().min(self.window + time * windows)
    }

    /// Notes that bytes have arrived.
    ///
    /// # Errors
    /// When they are too late.
    pub(crate) fn arrived(&mut self, bytes: u64) -> Result<(), BodyTimeoutError> {
        let now = Instant::now();
        if now >= self.overdue() {
            return Err(BodyTimeoutError::TooSlow);
        }
        if now >= self.window + self.pace.idle_timeout {
            self.window += self.pace.idle_timeout;
            self.bytes = 0;
        }
        self.bytes += bytes;
        if bytes > 0 {
            self.last = now;
        }
        Ok(())
    }

    /// Does not count a time in which the client had to wait for the server.
    pub(crate) fn pause(&mut self, time: Duration) {
        self.window += time;
        self.last += time;
    }

    fn is_enough(&self) -> bool {
        self.pace.suffices(self.bytes)
    }
}

/// Reads the rest of a refused body briefly: a client that is still sending would otherwise see a reset connection.
pub(crate) async fn drain(mut data: BodyDataStream) {
    let rest = async { while matches!(data.next().await, Some(Ok(_))) {} };
    // A timeout is expected if the client keeps sending.
    let _elapsed = timeout(LINGER, rest).await;
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    /// A body of `times` chunks of `bytes` bytes each.
    fn body(bytes: usize, every: Duration, times: usize) -> BodyDataStream {
        let chunks = stream::iter(0..times).then(move |_| async move {
            tokio::time::sleep(every).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes]))
        });
        Body::from_stream(chunks).into_data_stream()
    }

    /// The number of bytes that arrived, and whether the body was complete.
    async fn read(mut data: BodyDataStream, min_rate: u64) -> (usize, bool) {
        let mut meter = Meter::new(Pace { idle_timeout: Duration::from_secs(10), min_rate });
        let mut total = 0;
        loop {
            match meter.next(&mut data).await {
                Ok(Some(chunk)) => total += chunk.len(),
                Ok(None) => return (total, true),
                Err(_) => return (total, false),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_is_read_to_its_end_however_long_it_takes() {
        assert_eq!(read(body(100, Duration::from_secs(1), 1000), 100).await, (100_000, true));
        assert_eq!(read(body(1, Duration::from_secs(9), 100), 0).await, (100, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_given_up_after_one_window() {
        let (bytes, ended) = read(body(1, Duration::from_secs(1), 1000), 100).await;
        assert!(!ended && (9..=11).contains(&bytes), "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_given_up_whatever_came_before() {
        let fast = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![0; 1_000_000]))]).chain(stream::pending());
        assert_eq!(read(Body::from_stream(fast).into_data_stream(), 1).await, (1_000_000, false));
    }

    /// Seconds after which messages of so many bytes, one every `every` seconds, are too slow; none if they never are.
    async fn too_slow_after(bytes: u64, every: u64, min_rate: u64) -> Option<u64> {
        let begun = Instant::now();
        let mut pace = MessagePace::new(Pace { idle_timeout: Duration::from_secs(10), min_rate });
        for number in 1..=1000 {
            let next = begun + Duration::from_secs(number * every);
            if pace.overdue() <= next {
                return Some((pace.overdue() - begun).as_secs());
            }
            tokio::time::sleep_until(next).await;
            pace.arrived(bytes).unwrap();
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn messages_keep_the_pace_of_a_body() {
        assert_eq!(too_slow_after(112, 1, 100).await, None);
        assert_eq!(too_slow_after(1, 9, 0).await, None);
        assert_eq!(too_slow_after(1, 11, 0).await, Some(10));
        assert_eq!(too_slow_after(1, 1, 100).await, Some(10));
        // One message of 500 bytes is too little for ten seconds.
        assert_eq!(too_slow_after(500, 6, 100).await, Some(10));
        let mut pace = MessagePace::new(Pace { idle_timeout: Duration::from_secs(10), min_rate: 100 });
        pace.arrived(5000).unwrap();
        tokio::time::advance(Duration::from_secs(9)).await;
        pace.arrived(1).unwrap();
        // Many bytes at once are enough for their window and not for the next one.
        assert_eq!((pace.overdue() - Instant::now()).as_secs(), 10);
        tokio::time::advance(Duration::from_secs(5)).await;
        pace.arrived(1).unwrap();
        assert_eq!((pace.overdue() - Instant::now()).as_secs(), 6);
        pace.pause(Duration::from_secs(3));
        assert_eq!((pace.overdue() - Instant::now()).as_secs(), 9);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(matches!(pace.arrived(1_000_000), Err(BodyTimeoutError::TooSlow)));
    }
}
