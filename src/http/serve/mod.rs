//! The accept loop: one task per connection, and a bounded number of connections.
//!
//! A connection is busy from the head of a request to the last byte of its answer, and permanently once it is a WebSocket.
//! Otherwise it is idle: for a limited time, and it is closed earlier if a new connection needs its place. So neither clients
//! that send their headers slowly nor thousands of idle ones keep others out, and the ledger bounds how many one client keeps
//! busy.
//!
//! An answer is broken off when the key of its caller is revoked, whatever part of it is still to be sent.

mod connection;
mod ledger;
mod limits;
mod places;
mod stream;
mod tracked;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tracing::{debug, warn};

use super::gate::Gate;
use crate::access::limits::Client;
use connection::Busy;
pub(in crate::http) use connection::Connection;
pub(in crate::http) use ledger::{Crowded, Holder};
pub use limits::{ConnectionCounts, ConnectionTimeouts};
use places::{Place, Places};
use stream::Stream;
use tracked::Tracked;

/// Connections that the kernel queues while the loop is busy.
const BACKLOG: u32 = 4096;
/// Size of the largest request head, and of a connection's largest buffer in each direction, in bytes. Buffers start at 8 KiB
/// and grow on demand, so that an idle connection holds little memory.
const MAX_BUFFER_BYTES: usize = 128 * 1024;
/// The greatest number of headers of one request.
const MAX_HEADERS: usize = 100;
/// How long to wait before accepting again when the process has no file descriptors left.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// TCP keepalive: the silence before the first probe, and the interval between probes.
const KEEPALIVE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(15));

/// Binds an address and listens on it.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A new server takes over while connections of the old one are still being closed by the kernel.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What connections are served with.
#[derive(Clone)]
struct Serving {
    router: Router,
    gate: Gate,
    timeouts: ConnectionTimeouts,
    closing: CancellationToken,
}

/// Serves until `closing` is cancelled, then finishes the pending answers. Dropping the future aborts them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    gate: Gate,
    (timeouts, counts): (ConnectionTimeouts, ConnectionCounts),
    closing: CancellationToken,
) {
    let places = Places::new(counts);
    let access = gate.access.clone();
    let serving = Serving { router, gate, timeouts, closing };
    tokio::select! {
        () = accept(listener, &places, serving) => {}
        () = access.on_change(|| places.expel(|caller| access.still_knows(caller))) => {}
    }
}

async fn accept(listener: TcpListener, places: &Places, serving: Serving) {
    let closing = serving.closing.clone();
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => break,
        };
        // Ended connections are reaped before a new one starts.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((tcp, peer)) => {
                // The clients of a proxy are known by their requests only.
                let client = (!serving.gate.proxies.trusts(peer.ip())).then(|| Client::of_address(peer.ip()));
                let place = tokio::select! {
                    place = places.take(client) => place,
                    () = closing.cancelled() => break,
                };
                prepare(&tcp);
                connections.spawn(converse(Stream::new(tcp, place, serving.timeouts.write_timeout), peer, serving.clone()));
            }
            // The client disconnected before it was accepted.
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                warn!(event = "accept_failed", cause = %error, "A connection could not be accepted");
                places.make_room();
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused)
}

fn prepare(tcp: &TcpStream) {
    let (time, interval) = KEEPALIVE;
    let keepalive = TcpKeepalive::new().with_time(time).with_interval(interval);
    if let Err(error) = tcp.set_nodelay(true).and_then(|()| SockRef::from(tcp).set_tcp_keepalive(&keepalive)) {
        debug!(cause = %error, "A connection was gone before it could be set up");
    }
}

/// Serves one connection until it ends.
async fn converse(stream: Stream, peer: SocketAddr, serving: Serving) {
    let place = Arc::clone(stream.place());
    let service = service_fn(|request: Request<Incoming>| answer(&serving, &place, peer, request));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .max_buf_size(MAX_BUFFER_BYTES)
            .max_headers(MAX_HEADERS)
            // The place has the timeouts: it distinguishes an idle connection from one whose head is slow.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        // First what has arrived: after a pause of the whole process a head is not late.
        biased;
        ended = connection.as_mut() => ended,
        () = place.asked_to_leave() => return,
        () = place.overdue(&serving.timeouts) => return,
        () = serving.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A revoked key ends it here as well.
            tokio::select! {
                ended = connection => ended,
                () = place.asked_to_leave() => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(cause = %error, "A connection ended early");
    }
}

async fn answer(
    serving: &Serving,
    place: &Arc<Place>,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response<Tracked>, Infallible> {
    let busy = Busy::begin(place);
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(Connection::of(place));
    let response = serving.router.clone().call(request.map(Body::new)).await?;
    if response.status().as_u16() == 101 {
        busy.for_ever();
        return Ok(response.map(|body| Tracked::new(body, None)));
    }
    busy.answers(|caller| serving.gate.access.still_knows(caller));
    Ok(response.map(|body| Tracked::new(body, Some(busy))))
}
