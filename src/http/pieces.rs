//! Hands a body to the multipart parser in pieces, so that the parser never holds much of it.
//!
//! The parser takes whatever the body has ready into its buffer before it looks at it, and keeps it until it finds a boundary or
//! the end of a part's headers. So after each piece it is made to look, and what it may hold is bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;

/// Bytes after which the parser is made to look at what it has.
const PIECE_BYTES: usize = 16 * 1024;
/// Bytes that the parser may hold, and of a whole form those that belong to no part's content: what comes before the first
/// boundary, boundaries and headers. With the connection's own buffers an upload that stands still holds about 64 KiB.
pub(super) const MAX_HELD_BYTES: usize = 16 * 1024;

/// What the parser holds, as far as can be seen from outside.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Counters>);

#[derive(Default)]
struct Counters {
    /// Bytes that the parser has taken and not given out as content of a part.
    bytes: AtomicUsize,
    /// How often the parser has found something.
    found: AtomicUsize,
}

impl Held {
    /// Notes that the parser has found a part, or has given out this many bytes of one.
    pub(super) fn found(&self, bytes: usize) {
        self.0.found.fetch_add(1, Ordering::Relaxed);
        // Only this task changes them.
        self.0.bytes.store(self.0.bytes.load(Ordering::Relaxed).saturating_sub(bytes), Ordering::Relaxed);
    }
}

/// The parser found neither a boundary nor the end of a part's headers.
#[derive(Debug, thiserror::Error)]
#[error("no boundary or end of headers within {MAX_HELD_BYTES} bytes")]
pub(super) struct Endless;

/// A body in pieces.
pub(super) struct Pieces<S> {
    body: S,
    /// What is left of the last chunk of the body.
    rest: Bytes,
    held: Held,
    /// Bytes that were given out since the parser last looked.
    given: usize,
    /// How often the parser had found something when it last held all that it may.
    full_at: Option<usize>,
}

impl<S> Pieces<S> {
    pub(super) fn new(body: S, held: Held) -> Self {
        Self { body, rest: Bytes::new(), held, given: 0, full_at: None }
    }

    /// Makes the parser look at what it has; it asks again afterwards.
    fn pause<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        self.given = 0;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S, E> Stream for Pieces<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: From<Endless>,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.given >= PIECE_BYTES {
            return this.pause(cx);
        }
        while this.rest.is_empty() {
            let next = Pin::new(&mut this.body).poll_next(cx);
            if next.is_pending() {
                this.given = 0;
            }
            match ready!(next) {
                Some(Ok(chunk)) => this.rest = chunk,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let held = this.held.0.bytes.load(Ordering::Relaxed);
        if held >= MAX_HELD_BYTES {
            let found = this.held.0.found.load(Ordering::Relaxed);
            if this.full_at.replace(found) == Some(found) {
                return Poll::Ready(Some(Err(Endless.into())));
            }
            return this.pause(cx);
        }
        let size = this.rest.len().min(PIECE_BYTES - this.given).min(MAX_HELD_BYTES - held);
        this.held.0.bytes.store(held + size, Ordering::Relaxed);
        this.given += size;
        Poll::Ready(Some(Ok(this.rest.split_to(size))))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    fn pieces(chunks: Vec<usize>, held: &Held) -> Pieces<impl Stream<Item = Result<Bytes, Endless>> + Unpin> {
        let chunks = chunks.into_iter().map(|size| Ok(Bytes::from(vec![0; size])));
        Pieces::new(stream::iter(chunks), held.clone())
    }

    #[tokio::test]
    async fn a_body_of_any_size_passes_while_the_parser_progresses() {
        for chunks in [vec![1; 100_000], vec![1_000_000], vec![0, 5, 0, 70_000], vec![]] {
            let (expected, held) = (chunks.iter().sum::<usize>(), Held::default());
            let mut stream = pieces(chunks, &held);
            let mut total = 0;
            while let Some(piece) = stream.next().await {
                let size = piece.unwrap().len();
                total += size;
                held.found(size);
            }
            assert_eq!(total, expected);
        }
    }

    #[tokio::test]
    async fn without_progress_it_ends_at_the_bound() {
        for chunks in [vec![1; 100_000], vec![1_000_000]] {
            let held = Held::default();
            let mut stream = pieces(chunks, &held);
            let mut total = 0;
            let ended = loop {
                match stream.next().await {
                    Some(Ok(piece)) => total += piece.len(),
                    Some(Err(Endless)) => break true,
                    None => break false,
                }
            };
            assert_eq!((ended, total), (true, MAX_HELD_BYTES));
        }
    }

    #[test]
    fn the_parser_looks_after_each_piece() {
        let held = Held::default();
        let mut stream = pieces(vec![1_000_000], &held);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Some(Ok(piece))) = stream.poll_next_unpin(&mut cx) else { panic!("there is a piece") };
        assert_eq!(piece.len(), PIECE_BYTES);
        held.found(PIECE_BYTES);
        assert!(stream.poll_next_unpin(&mut cx).is_pending());
        assert!(matches!(stream.poll_next_unpin(&mut cx), Poll::Ready(Some(Ok(piece))) if piece.len() == PIECE_BYTES));
    }
}
