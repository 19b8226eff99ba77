//! The bounded number of places for connections. When all are taken, a new connection gets the place of the one that has been
//! idle longest.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::timeouts::ConnectionTimeouts;

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Idle since its last request.
    Waiting,
    /// The head of a request is arriving, or is due because the connection is new.
    Head,
    /// A request is being answered, or it is a WebSocket.
    Busy,
    /// Asked to make room for another connection.
    Leaving,
}

impl Phase {
    const fn code(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Head => 1,
            Self::Busy => 2,
            Self::Leaving => 3,
        }
    }

    const fn of(code: u8) -> Self {
        match code {
            0 => Self::Waiting,
            1 => Self::Head,
            2 => Self::Busy,
            _ => Self::Leaving,
        }
    }
}

/// All places of the server.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Room>);

#[derive(Debug)]
struct Room {
    max: usize,
    opened: Instant,
    taken: Mutex<Taken>,
    /// A new connection is waiting for a place.
    queue: AtomicBool,
    /// Signalled when a place was released, or a connection has become idle.
    change: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    places: HashMap<u64, Weak<Place>>,
}

/// The place of one connection, released when the last handle is dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    number: u64,
    phase: AtomicU8,
    /// Nanoseconds from the opening to the last change of phase.
    since: AtomicU64,
    leave: Notify,
}

impl Places {
    pub(super) fn new(max: usize) -> Self {
        let taken = Mutex::new(Taken::default());
        Self(Arc::new(Room { max, opened: Instant::now(), taken, queue: AtomicBool::new(false), change: Notify::new() }))
    }

    /// Waits for a place; the connection that has been idle longest makes room.
    pub(super) async fn take(&self) -> Arc<Place> {
        let room = &self.0;
        loop {
            if let Some(place) = self.try_take() {
                room.queue.store(false, Ordering::SeqCst);
                return place;
            }
            room.queue.store(true, Ordering::SeqCst);
            self.make_room();
            room.change.notified().await;
        }
    }

    fn try_take(&self) -> Option<Arc<Place>> {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.places.len() >= self.0.max {
            return None;
        }
        taken.last += 1;
        let place = Arc::new(Place {
            room: Arc::clone(&self.0),
            number: taken.last,
            phase: AtomicU8::new(Phase::Head.code()),
            since: AtomicU64::new(self.0.now()),
            leave: Notify::new(),
        });
        taken.places.insert(place.number, Arc::downgrade(&place));
        Some(place)
    }

    /// Asks the connection that has been idle longest to leave, if there is one and none is leaving already.
    pub(super) fn make_room(&self) {
        let places: Vec<Arc<Place>> = {
            let taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.places.values().filter_map(Weak::upgrade).collect()
        };
        if places.iter().any(|place| place.phase() == Phase::Leaving) {
            return;
        }
        let idle = places.iter().filter(|place| matches!(place.phase(), Phase::Waiting | Phase::Head));
        if let Some(place) = idle.min_by_key(|place| (place.since.load(Ordering::SeqCst), place.number))
            && (place.turn(Phase::Waiting, Phase::Leaving) || place.turn(Phase::Head, Phase::Leaving))
        {
            place.leave.notify_one();
        }
    }
}

impl Room {
    fn now(&self) -> u64 {
        self.opened.elapsed().as_nanos() as u64
    }
}

impl Place {
    pub(super) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::SeqCst))
    }

    /// When the present phase times out, if it has a timeout.
    fn due(&self, timeouts: &ConnectionTimeouts) -> Option<Instant> {
        let within = match self.phase() {
            Phase::Waiting => timeouts.keep_alive,
            Phase::Head => timeouts.header_timeout,
            Phase::Busy | Phase::Leaving => return None,
        };
        Some(self.room.opened + Duration::from_nanos(self.since.load(Ordering::SeqCst)) + within)
    }

    /// Returns when the connection has exceeded the timeout of a phase. It polls instead of being notified of each change of
    /// phase: that costs a request nothing, and gives a slow head at most twice its time.
    pub(super) async fn overdue(&self, timeouts: &ConnectionTimeouts) {
        loop {
            let now = Instant::now();
            let next = now + timeouts.header_timeout;
            match self.due(timeouts) {
                Some(due) if due <= now => return,
                Some(due) => sleep_until(due.min(next)).await,
                None => sleep_until(next).await,
            }
        }
    }

    /// Notes that the first bytes after a pause have arrived.
    pub(super) fn head_begins(&self) {
        self.turn(Phase::Waiting, Phase::Head);
    }

    /// Returns when this connection has to make room for another.
    pub(super) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Changes the phase if it is `from`; returns whether it was.
    fn turn(&self, from: Phase, to: Phase) -> bool {
        let turned = self.phase.compare_exchange(from.code(), to.code(), Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if turned {
            self.since.store(self.room.now(), Ordering::SeqCst);
        }
        turned
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.taken.lock().unwrap_or_else(PoisonError::into_inner).places.remove(&self.number);
        self.room.change.notify_one();
    }
}

/// Marks a connection busy while a request is answered, until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Option<Arc<Place>>);

impl Busy {
    pub(super) fn begin(place: &Arc<Place>) -> Self {
        // A connection that is leaving is dropped with its request; the client sees that it was closed while idle.
        let _began = place.turn(Phase::Head, Phase::Busy) || place.turn(Phase::Waiting, Phase::Busy);
        Self(Some(Arc::clone(place)))
    }

    /// Keeps the connection busy for good: it is a WebSocket now.
    pub(super) fn for_ever(mut self) {
        self.0 = None;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.turn(Phase::Busy, Phase::Waiting);
            if place.room.queue.load(Ordering::SeqCst) {
                place.room.change.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: ConnectionTimeouts = ConnectionTimeouts {
        header_timeout: Duration::from_secs(10),
        keep_alive: Duration::from_secs(75),
        write_timeout: Duration::from_mins(1),
    };

    /// Seconds until the connection is overdue.
    async fn seconds_left(place: &Place) -> u64 {
        let started = Instant::now();
        place.overdue(&TIMEOUTS).await;
        started.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_time_and_a_busy_connection_any() {
        let place = Places::new(1).take().await;
        assert_eq!(seconds_left(&place).await, 10);
        let busy = Busy::begin(&place);
        assert!(tokio::time::timeout(Duration::from_secs(100_000), place.overdue(&TIMEOUTS)).await.is_err());
        drop(busy);
        assert_eq!(seconds_left(&place).await, 75);
        place.head_begins();
        assert_eq!(seconds_left(&place).await, 10);
        // Noticed while it is being watched.
        drop(Busy::begin(&place));
        let (left, ()) = tokio::join!(seconds_left(&place), async {
            tokio::time::sleep(Duration::from_secs(31)).await;
            place.head_begins();
        });
        assert!((41..=51).contains(&left), "{left}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_longest_gives_way_and_who_is_busy_stays() {
        let places = Places::new(3);
        let first = places.take().await;
        let _busy = Busy::begin(&first);
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = places.take().await;
        tokio::time::advance(Duration::from_secs(1)).await;
        let third = places.take().await;
        // The second answers a request and waits again: now the third has waited longer.
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(Busy::begin(&second));
        let (fourth, ()) = tokio::join!(places.take(), async {
            third.asked_to_leave().await;
            drop(third);
        });
        assert_eq!((first.phase(), second.phase(), fourth.phase()), (Phase::Busy, Phase::Waiting, Phase::Head));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_are_busy_the_next_waits_until_one_rests() {
        let places = Places::new(1);
        let only = places.take().await;
        let busy = Busy::begin(&only);
        let (_next, ()) = tokio::join!(places.take(), async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert_eq!(only.phase(), Phase::Busy);
            drop(busy);
            only.asked_to_leave().await;
            drop(only);
        });
    }
}
