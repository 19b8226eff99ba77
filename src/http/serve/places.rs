//! The bounded number of places for connections, and the phase of each. When all are taken, a new connection gets the place of
//! an idle one; which one, and who may keep a place for long, the ledger says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::ledger::{Crowded, Holder, Ledger};
use super::limits::{ConnectionCounts, ConnectionTimeouts};
use crate::access::Caller;
use crate::access::limits::Client;

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Idle since its last request.
    Waiting,
    /// The head of a request is arriving, or is due because the connection is new; or the request is answered without a claim.
    Head,
    /// A request is being worked on.
    Busy,
    /// The head of the answer has been sent, and its body follows.
    Answering,
    /// It is a WebSocket.
    Session,
    /// Asked to make room for another connection.
    Leaving,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Waiting, Self::Head, Self::Busy, Self::Answering, Self::Session, Self::Leaving];

    const fn code(self) -> u8 {
        self as u8
    }

    fn of(code: u8) -> Self {
        Self::ALL.into_iter().find(|phase| phase.code() == code).unwrap_or(Self::Leaving)
    }

    const fn is_idle(self) -> bool {
        matches!(self, Self::Waiting | Self::Head)
    }
}

/// All places of the server.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Room>);

#[derive(Debug)]
struct Room {
    opened: Instant,
    taken: Mutex<Taken>,
    /// A new connection is waiting for a place.
    queue: AtomicBool,
    /// Signalled when a place was released, or a connection has become idle.
    change: Notify,
}

#[derive(Debug)]
struct Taken {
    last: u64,
    places: HashMap<u64, Weak<Place>>,
    ledger: Ledger,
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
    pub(super) fn new(counts: ConnectionCounts) -> Self {
        let taken = Mutex::new(Taken { last: 0, places: HashMap::new(), ledger: Ledger::new(counts) });
        Self(Arc::new(Room { opened: Instant::now(), taken, queue: AtomicBool::new(false), change: Notify::new() }))
    }

    /// Waits for a place for a connection of this client; an idle connection makes room.
    pub(super) async fn take(&self, peer: Option<Client>) -> Arc<Place> {
        let room = &self.0;
        loop {
            if let Some(place) = self.try_take(peer.as_ref()) {
                room.queue.store(false, Ordering::SeqCst);
                return place;
            }
            room.queue.store(true, Ordering::SeqCst);
            self.make_room();
            room.change.notified().await;
        }
    }

    fn try_take(&self, peer: Option<&Client>) -> Option<Arc<Place>> {
        let mut taken = self.0.lock();
        if taken.ledger.is_full() {
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
        taken.ledger.enter(place.number, peer.cloned());
        taken.places.insert(place.number, Arc::downgrade(&place));
        Some(place)
    }

    /// Asks an idle connection to leave, if there is one and none is leaving already.
    pub(super) fn make_room(&self) {
        let places = self.all();
        if places.iter().any(|place| place.phase() == Phase::Leaving) {
            return;
        }
        let idle = places.iter().filter(|place| place.phase().is_idle());
        let idle_since = idle.map(|place| (place.number, place.since.load(Ordering::SeqCst))).collect();
        let longest = self.0.lock().ledger.longest_idle(&idle_since);
        if let Some(place) = places.iter().find(|place| Some(place.number) == longest)
            && (place.turn(Phase::Waiting, Phase::Leaving) || place.turn(Phase::Head, Phase::Leaving))
        {
            place.leave.notify_one();
        }
    }

    /// Breaks off the answers to callers that are not known any more. A request without an answer yet, or a WebSocket, is told
    /// why it ends: that is up to them.
    pub(super) fn expel(&self, is_known: impl Fn(&Caller) -> bool) {
        let unknown: Vec<u64> = {
            let taken = self.0.lock();
            taken.ledger.callers().filter(|(_, caller)| !is_known(caller)).map(|(place, _)| place).collect()
        };
        for place in self.all().iter().filter(|place| unknown.contains(&place.number)) {
            place.break_off();
        }
    }

    /// Handles of all places. To be dropped without the lock: the last handle takes it.
    fn all(&self) -> Vec<Arc<Place>> {
        self.0.lock().places.values().filter_map(Weak::upgrade).collect()
    }
}

impl Room {
    fn now(&self) -> u64 {
        self.opened.elapsed().as_nanos() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Each change under the lock is complete or not begun when anything in it can panic.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
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
            Phase::Busy | Phase::Answering | Phase::Session | Phase::Leaving => return None,
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

    /// Claims the place for a request of this client. Someone else may have to leave for it.
    pub(super) fn claim(&self, client: Client, holder: Holder) -> Result<(), Crowded> {
        let mut taken = self.room.lock();
        let dispensable = taken.ledger.claim(self.number, client, holder)?;
        let dispensable = dispensable.and_then(|number| taken.places.get(&number)).and_then(Weak::upgrade);
        drop(taken);
        let _began = self.turn(Phase::Head, Phase::Busy) || self.turn(Phase::Waiting, Phase::Busy);
        if let Some(place) = dispensable {
            place.dismiss();
        }
        Ok(())
    }

    /// Notes the caller of a WebSocket that has shown its key.
    pub(super) fn identify(&self, caller: Caller) {
        self.room.lock().ledger.identify(self.number, caller);
    }

    /// Notes that the head of the answer is ready, and only its body is to be sent.
    pub(super) fn answers(&self) {
        self.turn(Phase::Busy, Phase::Answering);
    }

    /// Whether nobody is known to have claimed the place, or a caller that is known still.
    pub(super) fn has_caller(&self, is_known: impl Fn(&Caller) -> bool) -> bool {
        self.room.lock().ledger.caller(self.number).is_none_or(is_known)
    }

    /// Notes that the connection is a WebSocket now, which keeps its claim.
    pub(super) fn becomes_session(&self) {
        self.turn(Phase::Busy, Phase::Session);
    }

    /// Ends the claim: the request has been answered.
    pub(super) fn rest(&self) {
        self.room.lock().ledger.release(self.number);
        // Without a claim it was in the phase of its head.
        let _rests = [Phase::Answering, Phase::Busy, Phase::Head].into_iter().any(|phase| self.turn(phase, Phase::Waiting));
        if self.room.queue.load(Ordering::SeqCst) {
            self.room.change.notify_one();
        }
    }

    /// Asks the connection to leave, whatever it does. A WebSocket remains one until it has said why it ends.
    fn dismiss(&self) {
        let _request = self.turn(Phase::Busy, Phase::Leaving) || self.turn(Phase::Answering, Phase::Leaving);
        self.leave.notify_one();
    }

    /// Breaks off the answer that is being sent.
    pub(super) fn break_off(&self) {
        if self.turn(Phase::Answering, Phase::Leaving) {
            self.leave.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        taken.places.remove(&self.number);
        taken.ledger.leave(self.number);
        drop(taken);
        self.room.change.notify_one();
    }
}

#[cfg(test)]
mod tests;
