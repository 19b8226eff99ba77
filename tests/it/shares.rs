//! One client cannot hold all places in the queue, nor all room on the disk, with uploads that it announces or never ends.

use serde_json::{Value, json};

use super::support::app::{DEADLINE, NOTHING, TestApp};
use super::support::audio::tone;
use super::support::neighbours::client_at;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

const NO_RATE_LIMITS: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false");
const ANY_SIZE: (&str, &str) = ("MAX_FILE_SIZE", "4000000000000000000");

fn start(size: u64) -> Value {
    json!({ "type": "upload_start", "size": size })
}

/// The state of uploads in `/health`: their number, reserved places, received and promised bytes.
async fn uploads(app: &TestApp) -> [u64; 4] {
    let health = app.get_json("/health").await;
    let uploads = &health["components"]["uploads"];
    ["in_progress", "reserved_places", "received_bytes", "promised_bytes"].map(|name| uploads[name].as_u64().unwrap())
}

async fn free_bytes(app: &TestApp) -> u64 {
    app.get_json("/health").await["components"]["disk_usage"]["volume_free_bytes"].as_u64().unwrap()
}

/// Sends a recording from 127.0.0.`last`, and returns the status and the code of a refusal.
async fn send_from(app: &TestApp, last: u8, file: Vec<u8>) -> (u16, Value) {
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(file).file_name("call.wav"));
    let response = client_at(last).post(app.url("/api/v1/jobs")).multipart(form).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json::<Value>().await.unwrap()["error"]["code"].clone())
}

/// Sends recordings of this many milliseconds from 127.0.0.2 until what its broken-off uploads held is given back.
async fn accepted_in_time(app: &TestApp, milliseconds: u32) {
    let again = async { while send_from(app, 2, tone(milliseconds)).await.0 != 201 {} };
    tokio::time::timeout(DEADLINE, again).await.expect("what was held is given back");
}

/// Sends bytes of an upload, and waits until the server has received them.
async fn send_bytes(socket: &mut Socket, bytes: &[u8]) {
    socket.binary(bytes).await;
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
}

/// Every other upload was refused with `STORAGE_FULL` while 82 sockets had announced a gigabyte each and sent hardly anything.
#[tokio::test]
async fn room_that_is_announced_is_not_taken_from_others() {
    let app = TestApp::spawn_with(&[NO_RATE_LIMITS, ANY_SIZE]).await;
    let most = free_bytes(&app).await / 10 * 7;
    let mut sockets = Vec::new();
    for _ in 0..82 {
        let mut socket = Socket::from(&app, 2, &[]).await.ok().unwrap();
        assert_eq!(socket.ask(start(most)).await["type"], "upload_ready");
        sockets.push(socket);
    }
    assert_eq!((uploads(&app).await, app.folders("temp").as_slice()), ([0; 4], &NOTHING[..]));
    for socket in &mut sockets {
        send_bytes(socket, b"x").await;
    }
    let step = 64 * 1024;
    assert_eq!(uploads(&app).await, [82, 82, 82, 82 * (step - 1)]);
    assert_eq!(send_from(&app, 1, tone(300)).await, (201, Value::Null));
    let created = Socket::from(&app, 1, &[]).await.ok().unwrap().upload(json!({}), &tone(300)).await;
    assert_eq!(created["job"]["status"], "queued");
    // What cannot fit is refused at once nevertheless.
    assert_eq!(Socket::from(&app, 1, &[]).await.ok().unwrap().refused(start(most * 2)).await, "STORAGE_FULL");
    drop(sockets);
    let given_back = async { while uploads(&app).await != [0; 4] {} };
    tokio::time::timeout(DEADLINE, given_back).await.expect("places and room are given back");
}

/// A thousand sockets that only announced an upload filled a queue in which nothing waited.
#[tokio::test]
async fn places_in_the_queue_are_taken_by_bytes_and_not_by_announcements() {
    let app = TestApp::spawn_with(&[NO_RATE_LIMITS, ("CALLANNOTATE__QUEUE__MAX_LENGTH", "20")]).await;
    let mut sockets = Vec::new();
    for _ in 0..40 {
        let mut socket = Socket::from(&app, 2, &[]).await.ok().unwrap();
        assert_eq!(socket.ask(start(1000)).await["type"], "upload_ready");
        sockets.push(socket);
    }
    assert_eq!(uploads(&app).await, [0; 4]);
    assert_eq!(send_from(&app, 1, tone(300)).await, (201, Value::Null));
    // With bytes, a client has nine tenths of the places.
    for socket in &mut sockets[..18] {
        send_bytes(socket, b"x").await;
    }
    assert_eq!(uploads(&app).await[..2], [18, 18]);
    for socket in &mut sockets[18..20] {
        socket.binary(b"x").await;
        let refused = socket.next().await.unwrap()["error"].clone();
        assert_eq!((&refused["code"], &refused["details"]["limit"]), (&json!("RATE_LIMITED"), &json!(18)));
        assert!(refused["developer_message"].as_str().unwrap().contains("queue.client_share"), "{refused}");
    }
    assert_eq!(send_from(&app, 2, tone(300)).await, (429, json!("RATE_LIMITED")));
    assert_eq!(send_from(&app, 1, tone(300)).await, (201, Value::Null));
    drop(sockets);
    accepted_in_time(&app, 300).await;
}

#[tokio::test]
async fn recordings_that_wait_count_as_the_places_of_their_client() {
    let share = ("CALLANNOTATE__QUEUE__CLIENT_SHARE", "0.5");
    let app = TestApp::spawn_with(&[NO_RATE_LIMITS, ("CALLANNOTATE__QUEUE__MAX_LENGTH", "6"), share]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(app.create_job(tone(300), &[]).await);
    }
    assert_eq!(send_from(&app, 1, tone(300)).await, (429, json!("RATE_LIMITED")));
    std::fs::write(app.volume().join("incoming/call.wav"), tone(300)).unwrap();
    let take = json!({ "filename": "call.wav" });
    let named = client_at(1).post(app.url("/api/v1/jobs")).json(&take).send().await.unwrap();
    assert_eq!(named.status(), 429);
    assert_eq!(Socket::from(&app, 1, &[]).await.ok().unwrap().refused(start(1000)).await, "RATE_LIMITED");
    assert_eq!(send_from(&app, 2, tone(300)).await, (201, Value::Null));
    // A place is free when its job waits no longer, and taken again by a retry.
    assert_eq!(app.change(&waiting[0], "cancel").await.0, 200);
    assert_eq!(send_from(&app, 1, tone(300)).await, (201, Value::Null));
    let (status, refused) = app.change(&waiting[0], "retry").await;
    assert_eq!((status, &refused["error"]["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(app.delete(&waiting[1]).await.status(), 204);
    assert_eq!(app.change(&waiting[0], "retry").await.0, 202);
}

#[tokio::test]
async fn what_a_client_has_sent_of_unfinished_uploads_is_within_its_share_of_the_disk() {
    let volume = tempfile::tempdir().unwrap();
    let free = free_bytes(&TestApp::spawn_on(volume.path(), &[]).await).await;
    let volume = tempfile::tempdir().unwrap();
    // About a mebibyte, whatever others do to the disk meanwhile.
    let share = (1024.0 * 1024.0 / free as f64).to_string();
    let app = TestApp::spawn_on(volume.path(), &[NO_RATE_LIMITS, ("CALLANNOTATE__STORAGE__CLIENT_SHARE", &share)]).await;
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let mut socket = Socket::from(&app, 2, &[]).await.ok().unwrap();
        assert_eq!(socket.ask(start(700_000)).await["type"], "upload_ready");
        sockets.push(socket);
    }
    send_bytes(&mut sockets[0], &vec![0; 600_000]).await;
    sockets[1].binary(&vec![0; 600_000]).await;
    let refused = sockets[1].next().await.unwrap()["error"].clone();
    assert_eq!(refused["code"], "STORAGE_FULL");
    assert!(refused["developer_message"].as_str().unwrap().contains("storage.client_share"), "{refused}");
    assert_eq!(send_from(&app, 2, tone(40_000)).await, (503, json!("STORAGE_FULL")));
    assert_eq!(send_from(&app, 1, tone(40_000)).await, (201, Value::Null));
    drop(sockets);
    accepted_in_time(&app, 40_000).await;
}

#[tokio::test]
async fn an_upload_over_a_websocket_that_trickles_is_given_up_although_it_never_pauses() {
    let app = TestApp::spawn_with(&[
        ("CALLANNOTATE__SERVER__IDLE_TIMEOUT_SECONDS", "1"),
        // Far more than single bytes with an answer between them reach.
        ("CALLANNOTATE__SERVER__MIN_UPLOAD_BYTES_PER_SECOND", "1000000"),
        NO_RATE_LIMITS,
    ])
    .await;
    let mut socket = Socket::open(&app).await;
    assert_eq!(socket.ask(start(3_000_000)).await["type"], "upload_ready");
    let given_up = async {
        loop {
            socket.binary(&[0; 1024]).await;
            // Each answer comes from the disk, so that the messages are not too many.
            app.get("/health").await;
            let answer = socket.ask(json!({ "type": "ping" })).await;
            if answer["type"] == "error" {
                return answer["error"]["code"].clone();
            }
        }
    };
    assert_eq!(tokio::time::timeout(DEADLINE, given_up).await.expect("it is given up in time"), "REQUEST_TIMEOUT");
    assert_eq!(app.folders("temp"), NOTHING);
}
