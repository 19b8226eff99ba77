//! What no log line holds at any level: keys, what was said, names of recordings, and metadata.

use futures_util::{SinkExt, StreamExt};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::access::create;
use super::support::app::DEADLINE;
use super::support::models;
use super::support::observed::Observed;
use super::support::sound::fixture;

/// Words of the log itself that are also spoken in the recording would prove nothing.
const LEAST_LETTERS: usize = 5;

/// Everything that the server has logged, by file.
fn logged(volume: &std::path::Path) -> String {
    let files = volume.join("logs").read_dir().unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

fn words(text: &str) -> std::collections::BTreeSet<String> {
    let words = text.split(|character: char| !character.is_alphanumeric()).map(str::to_lowercase);
    words.filter(|word| word.len() >= LEAST_LETTERS).collect()
}

#[tokio::test]
async fn at_the_lowest_level_the_log_holds_no_key_no_word_no_name_and_no_metadata() {
    let Some(models) = models::folder_with_whisper() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_, key) = create(folder.path(), "tests", &["admin"]);
    let settings = [
        ("LOG_LEVEL", "trace,whisper_rs=trace,hyper=trace,symphonia_core=trace,tungstenite=trace"),
        ("CALLANNOTATE__ACCESS__ENABLED", "true"),
        ("CALLANNOTATE__MODELS__DIRS", models.to_str().unwrap()),
    ];
    let server = Observed::start(folder.path(), &settings).unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let jobs = format!("{}/api/v1/jobs", server.url);
    let before = words(&logged(folder.path()));

    let name = "+1-555-0142-anderson.flac";
    let recording = std::fs::read(fixture("voicemail.flac")).unwrap();
    let part = reqwest::multipart::Part::bytes(recording.clone()).file_name(name);
    let metadata = json!({ "customer": "Zanzibarovich", "phone": "+1 555 0142" }).to_string();
    let options = json!({ "prompt": "quixotically", "hotwords": ["xylophonist"] }).to_string();
    let form = reqwest::multipart::Form::new().part("file", part).text("metadata", metadata).text("options", options);
    let sent = client.post(&jobs).bearer_auth(&key).multipart(form).send().await.unwrap();
    assert_eq!(sent.status(), 201);
    let id = sent.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned();
    // A dropped file as well, whose name is as private.
    std::fs::write(folder.path().join("incoming").join(name), b"no audio").unwrap();

    let mut job = json!({ "status": "queued", "last_seq": 0 });
    while job["status"] == "queued" || job["status"] == "processing" {
        let url = format!("{jobs}/{id}?wait=10&last_seq={}", job["last_seq"]);
        job = client.get(url).bearer_auth(&key).send().await.unwrap().json().await.unwrap();
    }
    assert_eq!(job["status"], "completed");
    let result: Value = client.get(format!("{jobs}/{id}/result")).bearer_auth(&key).send().await.unwrap().json().await.unwrap();
    let segments = result["result"]["segments"].as_array().unwrap();
    let spoken: Vec<&str> = segments.iter().map(|segment| segment["text"].as_str().unwrap()).collect();
    let spoken = spoken.join(" ");
    // Keys where they belong, and where clients put them by mistake.
    let socket = server.url.replace("http", "ws");
    for (path, header) in [("/ws".to_owned(), Some(&key)), (format!("/ws?key={key}"), Some(&key)), ("/ws".to_owned(), None)] {
        let mut request = format!("{socket}{path}").into_client_request().unwrap();
        if let Some(key) = header {
            let protocols = format!("callannotate, callannotate.key.{key}");
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        }
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        stream.send(Message::text(json!({ "type": "authenticate", "key": key }).to_string())).await.unwrap();
        stream.send(Message::text(json!({ "type": "get_result", "job_id": id }).to_string())).await.unwrap();
        let mut answers = 0;
        while answers < 2 {
            if let Message::Text(_) = tokio::time::timeout(DEADLINE, stream.next()).await.unwrap().unwrap().unwrap() {
                answers += 1;
            }
        }
    }
    let odd = client.get(format!("{}/api/v1/queue/status?api_key={key}", server.url)).header("x-api-key", &key);
    assert_eq!(odd.send().await.unwrap().status(), 200);

    server.signal(Signal::TERM);
    assert!(server.end().success());

    let log = logged(folder.path());
    assert!(log.contains("job_completed") && log.contains("\"level\":\"DEBUG\""), "it was not logged at a low level");
    let secret = key.rsplit('_').next().unwrap();
    assert!(secret.len() >= 32 && !log.contains(secret), "a key is logged");
    let lower = log.to_lowercase();
    for private in ["zanzibarovich", "555-0142", "555 0142", "5550142", "anderson", "quixotically", "xylophonist"] {
        assert!(!lower.contains(private), "{private} is logged");
    }
    let said: Vec<String> = words(&spoken).into_iter().filter(|word| !before.contains(word)).collect();
    let found: Vec<&String> = said.iter().filter(|word| words(&log).contains(*word)).collect();
    assert!(said.len() >= 10, "{said:?}");
    assert!(found.is_empty(), "spoken words are logged: {found:?}");
}
