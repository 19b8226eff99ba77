//! The byte stream of a connection. It notices when a request begins, disconnects a client that does not read its answer, and
//! holds the connection's place until it is closed, also as a WebSocket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::places::Place;

/// The byte stream of a connection.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    place: Arc<Place>,
    write_timeout: Duration,
    writing: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, place: Arc<Place>, write_timeout: Duration) -> Self {
        Self { tcp, place, write_timeout, writing: None }
    }

    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// A write that is blocked: fails once the client has not read for the write timeout.
    fn poll_untaken(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let within = self.write_timeout;
        let timer = self.writing.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + within)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client does not take the answer"))
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.tcp).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.place.head_begins();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.tcp).poll_write(cx, bytes) {
            self.writing = None;
            return Poll::Ready(written);
        }
        self.poll_untaken(cx).map(Err)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices) {
            self.writing = None;
            return Poll::Ready(written);
        }
        self.poll_untaken(cx).map(Err)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
