//! The phases of connections, and who makes room for whom.

use super::*;
use crate::http::serve::connection::{Busy, Connection};

const TIMEOUTS: ConnectionTimeouts = ConnectionTimeouts {
    header_timeout: Duration::from_secs(10),
    keep_alive: Duration::from_secs(75),
    write_timeout: Duration::from_mins(1),
};

fn places(max: usize) -> Places {
    Places::new(ConnectionCounts { max, max_per_client: max })
}

fn client(last: u8) -> Client {
    Client::of_address([192, 0, 2, last].into())
}

/// A request of this client that is being answered.
fn busy(place: &Arc<Place>, last: u8) -> Busy {
    let busy = Busy::begin(place);
    Connection::of(place).claim(client(last), Holder::Anyone).unwrap();
    busy
}

/// Seconds until the connection is overdue.
async fn seconds_left(place: &Place) -> u64 {
    let started = Instant::now();
    place.overdue(&TIMEOUTS).await;
    started.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn each_phase_has_its_time_and_a_busy_connection_any() {
    let place = places(1).take(None).await;
    assert_eq!(seconds_left(&place).await, 10);
    let busy = busy(&place, 1);
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
    let places = places(3);
    let first = places.take(None).await;
    let _busy = busy(&first, 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    let second = places.take(None).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    let third = places.take(None).await;
    // The second answers a request and waits again: now the third has waited longer.
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(Busy::begin(&second));
    let (fourth, ()) = tokio::join!(places.take(None), async {
        third.asked_to_leave().await;
        drop(third);
    });
    assert_eq!((first.phase(), second.phase(), fourth.phase()), (Phase::Busy, Phase::Waiting, Phase::Head));
}

#[tokio::test(start_paused = true)]
async fn when_all_are_busy_the_next_waits_until_one_rests() {
    let places = places(1);
    let only = places.take(None).await;
    let busy = busy(&only, 1);
    let (_next, ()) = tokio::join!(places.take(None), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(only.phase(), Phase::Busy);
        drop(busy);
        only.asked_to_leave().await;
        drop(only);
    });
}

#[tokio::test(start_paused = true)]
async fn the_client_that_claims_most_gives_a_place_and_a_session_can_say_so() {
    let places = places(4);
    let mut claimed = Vec::new();
    for last in [1, 2, 1] {
        let place = places.take(Some(client(last))).await;
        let busy = Busy::begin(&place);
        Connection::of(&place).claim(client(last), Holder::Caller(Caller::anybody())).unwrap();
        busy.for_ever();
        claimed.push(place);
    }
    let newcomer = places.take(Some(client(3))).await;
    Connection::of(&newcomer).claim(client(3), Holder::Anyone).unwrap();
    Connection::of(&claimed[0]).asked_to_leave().await;
    assert_eq!((claimed[0].phase(), newcomer.phase()), (Phase::Session, Phase::Busy));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_caller_whose_key_was_revoked_is_broken_off() {
    let places = places(4);
    let (busy_place, answering) = (places.take(None).await, places.take(None).await);
    let _still_working = busy(&busy_place, 1);
    let sending = Busy::begin(&answering);
    Connection::of(&answering).claim(client(1), Holder::Caller(Caller::nobody())).unwrap();
    sending.answers(|_| true);
    places.expel(|_| true);
    assert_eq!(answering.phase(), Phase::Answering);
    places.expel(|caller| *caller != Caller::nobody());
    answering.asked_to_leave().await;
    assert_eq!((busy_place.phase(), answering.phase()), (Phase::Busy, Phase::Leaving));
}
