//! Thousands of WebSockets on one job: the memory per subscriber, and the delay of events.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::held::{STEP_PERCENT, now_micros};

/// The deadline of every wait.
const DEADLINE: Duration = Duration::from_mins(1);
/// How many connections are opened concurrently: fewer than the listener's backlog.
const OPENING_AT_ONCE: usize = 64;
/// The pause before memory is read, in which handshake buffers are freed.
const SETTLING: Duration = Duration::from_secs(2);

/// The messages that a subscriber received, with their times.
type Received = Vec<(u64, Message)>;

/// The server process, killed on drop.
struct Server {
    child: Child,
    events: Receiver<Value>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Server {
    fn start() -> Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("held").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("no output")?;
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let event = serde_json::from_str::<Value>(&line).unwrap_or_default();
                if event["event"] == "listening" || event["event"] == "tick" {
                    // The receiver is gone once the measurement is over.
                    let _over = sender.send(event);
                }
            }
        });
        Ok(Self { child, events })
    }

    fn next(&self, name: &str) -> Result<Value> {
        let event = self.events.recv_timeout(DEADLINE).with_context(|| format!("no {name}"))?;
        ensure!(event["event"] == name, "{event} instead of {name}");
        Ok(event)
    }

    fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

/// Measures `count` subscribers over `events` events.
pub(crate) async fn measure(count: usize, events: u8, milliseconds: u64) -> Result<Value> {
    let mut server = Server::start()?;
    let address = server.next("listening")?["address"].as_str().context("no address")?.to_owned();
    let job = create_job(&address).await?;
    let url = format!("ws://{address}/ws/{job}");
    // A first connection that is closed again, so that one-time costs are not part of the difference.
    listen(connect(&url).await?, 0).await?;
    let before = server.resident_bytes()?;
    let mut listeners = JoinSet::new();
    let mut opened = 0;
    while opened < count {
        let batch = (0..OPENING_AT_ONCE.min(count - opened)).map(|_| connect(&url));
        for socket in futures_util::future::join_all(batch).await {
            listeners.spawn(listen(socket?, events));
            opened += 1;
        }
    }
    tokio::time::sleep(SETTLING).await;
    let idle = server.resident_bytes()?;
    writeln!(server.child.stdin.as_mut().context("no input")?, "tick {events} {milliseconds}")?;
    let mut received = Vec::new();
    while let Some(listened) = timeout(DEADLINE, listeners.join_next()).await.context("not all events arrived")? {
        received.push(listened??);
    }
    let ticks = (0..events).map(|_| server.next("tick")).collect::<Result<Vec<_>>>()?;
    let busy = server.resident_bytes()?;
    let delays = delays(&ticks, &received);
    ensure!(delays.len() == count * usize::from(events), "{} delays", delays.len());
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    Ok(json!({
        "connections": count, "events": events,
        "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0),
        "idle_bytes_per_connection": (idle.saturating_sub(before)) / count as u64,
        "busy_bytes_per_connection": (busy.saturating_sub(before)) / count as u64,
        "messages_per_event": received.iter().map(Vec::len).sum::<usize>() as f64 / (count as f64 * f64::from(events)),
    }))
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(url: &str) -> Result<Socket> {
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    Ok(timeout(DEADLINE, tokio_tungstenite::connect_async_with_config(url, Some(config), true)).await??.0)
}

/// Receives until the last event; messages are parsed later, so that parsing delays nothing.
async fn listen(mut socket: Socket, events: u8) -> Result<Received> {
    let mut received = Vec::new();
    loop {
        let message = timeout(DEADLINE, socket.next()).await?.context("closed early")??;
        let at = now_micros();
        let is_last = message.to_text().is_ok_and(|text| percent(text) >= Some(events.saturating_mul(STEP_PERCENT)));
        if matches!(message, Message::Text(_)) {
            received.push((at, message));
        }
        if is_last {
            return Ok(received);
        }
    }
}

/// The progress in a message, found without parsing all of it.
fn percent(text: &str) -> Option<u8> {
    let (_, rest) = text.split_once("\"stage_progress\":")?;
    let end = rest.find(|character: char| !character.is_ascii_digit())?;
    rest[..end].parse().ok()
}

/// Microseconds from each event to its receipt by each subscriber, sorted. A later state includes the earlier ones.
fn delays(ticks: &[Value], received: &[Received]) -> Vec<u64> {
    let mut delays = Vec::new();
    for received in received {
        let states: Vec<(u64, u8)> =
            received.iter().filter_map(|(at, message)| Some((*at, percent(message.to_text().ok()?)?))).collect();
        for tick in ticks {
            let (Some(wanted), Some(happened)) = (tick["percent"].as_u64(), tick["at_micros"].as_u64()) else { continue };
            if let Some((at, _)) = states.iter().find(|(_, percent)| u64::from(*percent) >= wanted) {
                delays.push(at.saturating_sub(happened));
            }
        }
    }
    delays.sort_unstable();
    delays
}

async fn create_job(address: &str) -> Result<String> {
    // A WAV file with 0.1 s of mono silence at 8 kHz.
    let mut wav = b"RIFF\x64\x06\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x06\0\0".to_vec();
    wav.resize(wav.len() + 1600, 0);
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(wav).file_name("call.wav"));
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
    let created: Value = client.post(format!("http://{address}/api/v1/jobs")).multipart(form).send().await?.json().await?;
    Ok(created["job_id"].as_str().with_context(|| created.to_string())?.to_owned())
}
