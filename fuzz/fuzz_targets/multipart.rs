//! The body of an upload, sent to a real server over a real connection: the answer follows the contract, is never a
//! 5xx, and nothing remains in `temp/`.
#![no_main]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use callannotate::app::{App, Shutdown};
use callannotate::audio::decode::DecodeLimits;
use callannotate::clock::Clock;
use callannotate::config::Config;
use callannotate::pipeline::{Pipeline, Slot, Stages};

/// Maximum time for an answer.
const DEADLINE: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    volume: PathBuf,
    connection: Mutex<Option<BufReader<TcpStream>>>,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let volume = tempfile::tempdir().expect("a temporary folder").keep();
    let mut settings: HashMap<String, String> = std::env::vars().filter(|(name, _)| name.starts_with("CALLANNOTATE__")).collect();
    settings.insert("VOLUME_PATH".to_owned(), volume.display().to_string());
    settings.insert("CALLANNOTATE__SERVER__HOST".to_owned(), "127.0.0.1".to_owned());
    settings.insert("CALLANNOTATE__SERVER__PORT".to_owned(), "0".to_owned());
    settings.insert("CALLANNOTATE__RATE_LIMITS__ENABLED".to_owned(), "false".to_owned());
    let config = Config::load(&settings).expect("settings that are possible");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let defaults = config.defaults.clone();
    let app = runtime.block_on(App::start(&config, Clock::system(), Shutdown::default(), move || {
        let missing = || "not while fuzzing".to_owned();
        let stages = Stages {
            diarize: Slot::Missing(missing()),
            transcribe: Slot::Missing(missing()),
            recognize: Slot::Missing(missing()),
        };
        Pipeline::new(stages, defaults, DecodeLimits::default())
    }));
    let app = app.expect("a server");
    let address = app.address();
    std::thread::spawn(move || runtime.block_on(app.serve()));
    Server { address, volume, connection: Mutex::default() }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nhost: fuzz\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n",
        data.len()
    );
    let (status, body) = ask(&[head.as_bytes(), data].concat());
    if status == 201 {
        let id = body.split("\"job_id\":\"").nth(1).and_then(|rest| rest.get(..36)).expect("a job has an id");
        let (status, body) = ask(format!("DELETE /api/v1/jobs/{id} HTTP/1.1\r\nhost: fuzz\r\n\r\n").as_bytes());
        assert_eq!(status, 204, "{body}");
    } else {
        assert!((400..500).contains(&status) && status != 429, "{status}: {body}");
        assert!(body.contains("\"code\""), "{status}: {body}");
        let left: Vec<_> = std::fs::read_dir(SERVER.volume.join("temp"))
            .expect("temp/ is there")
            .filter_map(|entry| Some(entry.ok()?.file_name().display().to_string()))
            .filter(|name| !name.starts_with('.'))
            .collect();
        assert!(left.is_empty(), "{left:?} left behind after {status}");
    }
});

/// Sends a request over the open connection, or over a new one if the server closed it.
fn ask(request: &[u8]) -> (u16, String) {
    let mut connection = SERVER.connection.lock().expect("one thread asks");
    for _ in 0..2 {
        let mut stream = connection.take().unwrap_or_else(|| {
            let stream = TcpStream::connect(SERVER.address).expect("the server listens");
            stream.set_read_timeout(Some(DEADLINE)).expect("a deadline can be set");
            BufReader::new(stream)
        });
        if stream.get_mut().write_all(request).is_err() {
            continue;
        }
        if let Some((status, body, stays_open)) = answer(&mut stream) {
            *connection = stays_open.then_some(stream);
            return (status, body);
        }
    }
    panic!("the server closed a fresh connection without an answer");
}

fn answer(stream: &mut BufReader<TcpStream>) -> Option<(u16, String, bool)> {
    let (mut status, mut length, mut stays_open) = (None, 0, true);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_ascii_lowercase();
        if status.is_none() {
            status = line.split(' ').nth(1)?.parse().ok();
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        } else if line == "connection: close" {
            stays_open = false;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((status?, String::from_utf8_lossy(&body).into_owned(), stays_open))
}
