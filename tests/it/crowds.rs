//! Clients that open more connections than they need: the others are served, and `/health` always.

use serde_json::{Value, json};

use super::access::create;
use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::neighbours::{client_at, connect_from};
use super::support::socket::Socket;

const FEW_CONNECTIONS: (&str, &str) = ("CALLANNOTATE__SERVER__MAX_CONNECTIONS", "20");
const TWO_A_CLIENT: (&str, &str) = ("CALLANNOTATE__SERVER__MAX_CONNECTIONS_PER_CLIENT", "2");
const KEYS: (&str, &str) = ("CALLANNOTATE__ACCESS__ENABLED", "true");

/// A client at 127.0.0.1 sends a recording and asks for the server's health, each over a new connection.
async fn is_served(app: &TestApp) {
    assert_eq!(client_at(1).get(app.url("/health")).send().await.unwrap().status(), 200);
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(300)).file_name("call.wav"));
    assert_eq!(client_at(1).post(app.url("/api/v1/jobs")).multipart(form).send().await.unwrap().status(), 201);
    let mut socket = Socket::from(app, 1, &[]).await.ok().unwrap();
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn one_address_that_opens_all_websockets_does_not_lock_the_others_out() {
    let app = TestApp::spawn_with(&[FEW_CONNECTIONS]).await;
    let mut sockets = Vec::new();
    // All places but the reserve; the next from there is refused.
    for _ in 0..19 {
        sockets.push(Socket::from(&app, 2, &[]).await.ok().unwrap());
    }
    assert_eq!(Socket::from(&app, 2, &[]).await.err(), Some(503));
    let silent = [connect_from(&app, 2).await, connect_from(&app, 2).await];
    is_served(&app).await;
    // Those that were open longest made room, and were told.
    assert_eq!(sockets[0].next().await, Err(1013));
    assert_eq!(sockets.last_mut().unwrap().ask(json!({ "type": "ping" })).await["type"], "pong");
    drop(silent);
}

#[tokio::test]
async fn many_addresses_with_many_websockets_leave_room_for_one_more() {
    let app = TestApp::spawn_with(&[FEW_CONNECTIONS]).await;
    let mut sockets = Vec::new();
    for last in (2..6).cycle().take(19) {
        sockets.push(Socket::from(&app, last, &[]).await.ok().unwrap());
    }
    is_served(&app).await;
}

#[tokio::test]
async fn an_address_has_a_limited_number_of_connections_in_use() {
    let app = TestApp::spawn_with(&[TWO_A_CLIENT]).await;
    let first = Socket::from(&app, 2, &[]).await.ok().unwrap();
    let mut second = Socket::from(&app, 2, &[]).await.ok().unwrap();
    assert_eq!(Socket::from(&app, 2, &[]).await.err(), Some(429));
    let refused = client_at(2).get(app.url("/api/v1/jobs")).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"5".parse().unwrap()));
    let error = refused.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!((&error["code"], &error["details"]["limit"]), (&json!("RATE_LIMITED"), &json!(2)));
    assert!(error["developer_message"].as_str().unwrap().contains("server.max_connections_per_client"), "{error}");
    // What needs no key is answered from there as well.
    for path in ["/health", "/api/v1/health/live", "/info", "/docs"] {
        assert_eq!(client_at(2).get(app.url(path)).send().await.unwrap().status(), 200, "{path}");
    }
    is_served(&app).await;
    assert_eq!(second.ask(json!({ "type": "ping" })).await["type"], "pong");
    drop(first);
    // The server notices that on its own.
    let again = async { while Socket::from(&app, 2, &[]).await.is_err() {} };
    tokio::time::timeout(DEADLINE, again).await.expect("the place is given back");
}

#[tokio::test]
async fn behind_a_proxy_the_forwarded_address_has_the_limit() {
    let trusted = ("CALLANNOTATE__SERVER__TRUSTED_PROXIES", "127.0.0.2");
    let app = TestApp::spawn_with(&[FEW_CONNECTIONS, TWO_A_CLIENT, trusted]).await;
    let through_proxy = async |client: &str| Socket::from(&app, 2, &[("x-forwarded-for", client)]).await;
    let mut sockets = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        sockets.push(through_proxy(client).await.ok().unwrap());
    }
    assert_eq!(through_proxy("192.0.2.1").await.err(), Some(429));
    // The proxy's other connections are idle and belong to no client.
    let idle = [connect_from(&app, 2).await, connect_from(&app, 2).await];
    sockets.push(through_proxy("192.0.2.4").await.ok().unwrap());
    // An address that is not the proxy's cannot claim to be another one.
    sockets.push(Socket::from(&app, 3, &[("x-forwarded-for", "192.0.2.5")]).await.ok().unwrap());
    sockets.push(Socket::from(&app, 3, &[("x-forwarded-for", "192.0.2.6")]).await.ok().unwrap());
    assert_eq!(Socket::from(&app, 3, &[("x-forwarded-for", "192.0.2.7")]).await.err(), Some(429));
    drop(idle);
}

#[tokio::test]
async fn websockets_that_show_no_key_make_room_for_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let (_, secret) = create(folder.path(), "both", &["read", "write"]);
    let app = TestApp::spawn_on(folder.path(), &[FEW_CONNECTIONS, KEYS]).await;
    let with_key = format!("Bearer {secret}");
    let mut known = Socket::from(&app, 2, &[("authorization", &with_key)]).await.ok().unwrap();
    // One from each address, so that none has more than the others.
    let mut nameless = Vec::new();
    for last in 3..21 {
        nameless.push(Socket::from(&app, last, &[]).await.ok().unwrap());
    }
    assert_eq!(client_at(1).get(app.url("/health")).send().await.unwrap().status(), 200);
    let list = client_at(1).get(app.url("/api/v1/jobs")).bearer_auth(&secret).send().await.unwrap();
    assert_eq!(list.status(), 200);
    assert_eq!(nameless[0].next().await, Err(1013));
    // One that shows its key stays, although it has been open longest of the others.
    let authenticated = nameless[1].ask(json!({ "type": "authenticate", "key": secret })).await;
    assert_eq!(authenticated["type"], "authenticated");
    let mut first = Socket::from(&app, 1, &[("authorization", &with_key)]).await.ok().unwrap();
    let mut second = Socket::from(&app, 1, &[("authorization", &with_key)]).await.ok().unwrap();
    assert_eq!(nameless[2].next().await, Err(1013));
    for socket in [&mut known, &mut nameless[1], &mut first, &mut second] {
        assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_websocket_that_never_shows_its_key_is_closed_after_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    create(folder.path(), "reader", &["read"]);
    let app = TestApp::spawn_on(folder.path(), &[FEW_CONNECTIONS, TWO_A_CLIENT, KEYS]).await;
    let mut silent = Socket::from(&app, 2, &[]).await.ok().unwrap();
    let mut pinging = Socket::from(&app, 2, &[]).await.ok().unwrap();
    pinging.ping().await;
    let begun = std::time::Instant::now();
    assert_eq!((silent.next().await, pinging.next().await), (Err(4401), Err(4401)));
    assert!((9..14).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}
