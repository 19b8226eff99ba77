//! A real server under load is killed repeatedly at random moments: every job that it accepted is done exactly once.
//!
//! Clients send recordings over REST, over WebSockets, by name from `incoming/` and through the watched folder, and cancel, retry and delete jobs. The
//! server, a separate process, is killed with SIGKILL and restarted on the same volume; a client that got no answer repeats its
//! request. In the end every job must be in the state that its client was promised, with the result of an undisturbed run.
//!
//! `CALLANNOTATE_CHAOS_KILLS` sets the number of kills (`make chaos`: 200), `CALLANNOTATE_CHAOS_SEED` repeats the choices of a run, and
//! `CALLANNOTATE_CHAOS_REPORT` names a file for the figures. `queue.max_attempts` is high here: otherwise a recording
//! that was being processed at three kills would fail, as intended.

mod client;
mod sending;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::support::process::callannotate;
use super::support::sound::{ffmpeg, fixture};
use client::{Client, Dice, End};

/// The deadline of every wait while the server is not killed.
const DEADLINE: Duration = Duration::from_mins(2);

/// The default number of kills.
const FEW_KILLS: usize = 8;

/// The maximum time from start to kill, in milliseconds; starting takes a third of that.
const LONGEST_LIFE: usize = 600;

const CLIENTS: usize = 4;

const SETTINGS: [(&str, &str); 5] = [
    ("CALLANNOTATE__QUEUE__MAX_ATTEMPTS", "100"),
    ("CALLANNOTATE__QUEUE__MAX_LENGTH", "100000"),
    ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false"),
    ("CALLANNOTATE__ENGINE__THREADS", "1"),
    // So short that files in the watched folder settle before the kill.
    ("QUEUE_POLL_INTERVAL", "0.1"),
];

/// A server process and its log.
struct Life {
    process: Child,
    log: Log,
}

struct Log(Lines<BufReader<ChildStdout>>);

impl Life {
    fn begin(volume: &Path) -> Self {
        let mut command = Command::from(callannotate(volume));
        let mut process = command.envs(SETTINGS).arg("serve").stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let log = Log(BufReader::new(process.stdout.take().unwrap()).lines());
        Self { process, log }
    }
}

impl Log {
    /// The server's address; none if it is killed before it listens.
    async fn address(&mut self) -> Option<String> {
        while let Ok(Some(line)) = self.0.next_line().await {
            let event: Value = serde_json::from_str(&line).ok()?;
            if event["event"] == "listening" {
                return Some(event["address"].as_str()?.to_owned());
            }
        }
        None
    }

    /// Reads the log to its end, so that the server never blocks on a full pipe.
    async fn read(&mut self) {
        while let Ok(Some(_)) = self.0.next_line().await {}
    }
}

/// Runs `work` against a server that is not killed, then stops it with SIGTERM.
async fn undisturbed<T>(volume: &Path, work: impl AsyncFnOnce(String) -> T) -> T {
    let Life { mut process, mut log } = Life::begin(volume);
    let all = async {
        let address = log.address().await.expect("the server listens");
        let done = tokio::select! {
            done = work(address) => done,
            () = log.read() => panic!("the server ended on its own"),
        };
        let id = process.id().expect("it still runs").to_string();
        assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
        let (ended, ()) = tokio::join!(process.wait(), log.read());
        assert!(ended.unwrap().success());
        done
    };
    tokio::time::timeout(DEADLINE, all).await.expect("done in time")
}

/// Runs the clients against a server that is killed after `lives_for`.
async fn disturbed(volume: &Path, clients: &mut [Client], lives_for: Duration) {
    let end = tokio::time::Instant::now() + lives_for;
    let Life { mut process, mut log } = Life::begin(volume);
    // The clients' requests are cut off by the kill, not before it.
    let working = async {
        if let Some(address) = log.address().await {
            tokio::join!(log.read(), join_all(clients.iter_mut().map(|client| client.work(&address))));
        }
    };
    let killing = async {
        tokio::time::sleep_until(end).await;
        process.kill().await.unwrap();
    };
    tokio::time::timeout(DEADLINE, async { tokio::join!(working, killing) }).await.expect("the clients notice");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// All jobs of the list, by their external id.
async fn listed(address: &str) -> BTreeMap<String, Value> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let (mut jobs, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page: Value =
            http.get(format!("http://{address}/api/v1/jobs?limit=100{cursor}")).send().await.unwrap().json().await.unwrap();
        for job in page["data"].as_array().unwrap() {
            let name = job["metadata"]["external_id"].as_str().unwrap().to_owned();
            assert_eq!(jobs.insert(name.clone(), job.clone()), None, "{name} is there twice");
        }
        match page["meta"]["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return jobs,
        }
    }
}

/// Files and folders on the volume that should not be there once all jobs are done.
fn strays(volume: &Path, jobs: &BTreeMap<String, Value>) -> Vec<String> {
    let names = |folder: &str| -> Vec<String> {
        let entries = std::fs::read_dir(volume.join(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut strays = Vec::new();
    for (folder, fine) in [("incoming", &[][..]), ("processing", &[]), ("archived", &[]), ("temp", &[".lock"])] {
        strays.extend(
            names(folder).into_iter().filter(|name| !fine.contains(&name.as_str())).map(|name| format!("{folder}/{name}")),
        );
    }
    let mut left: BTreeMap<String, &str> =
        jobs.values().map(|job| (job["job_id"].as_str().unwrap().to_owned(), job["status"].as_str().unwrap())).collect();
    for (folder, statuses, outcome) in
        [("completed", &["completed"][..], "result.json"), ("failed", &["cancelled"], "error.json")]
    {
        for id in names(folder) {
            let known = left.remove(&id).is_some_and(|status| statuses.contains(&status));
            let mut files = vec!["job.json", "recording.wav", outcome];
            files.sort_unstable();
            let mut found = names(&format!("{folder}/{id}"));
            // Only jobs from the watched folder have one.
            found.retain(|name| name != "sidecar.json");
            if !known || found != files {
                strays.push(format!("{folder}/{id}"));
            }
        }
    }
    strays.extend(left.into_keys().map(|id| format!("no folder of {id}")));
    strays
}

#[tokio::test]
async fn what_a_server_accepted_is_done_exactly_once_however_often_it_is_killed() {
    let started = Instant::now();
    let kills = number("CALLANNOTATE_CHAOS_KILLS").map_or(FEW_KILLS, |kills| usize::try_from(kills).unwrap());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("CALLANNOTATE_CHAOS_SEED").unwrap_or(u64::from(now.subsec_nanos()));
    tell(&format!("chaos: seed {seed}, {kills} kills"));
    let mut dice = Dice::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let recordings: Vec<Vec<u8>> =
        [("1", "1.5"), ("4", "2"), ("2", "3")].iter().map(|piece| cut(folder.path(), *piece)).collect();
    let alone = folder.path().join("alone");
    let expected = undisturbed(&alone, async |address| {
        let mut client = Client::new(0, 1, &alone, &recordings);
        let mut results = Vec::new();
        for index in 0..recordings.len() {
            results.push(client.annotated(&address, index).await);
        }
        results
    })
    .await;
    assert!(expected.iter().any(|result| result["statistics"]["speaker_count"] != 0), "{expected:?}");

    let volume = folder.path().join("volume");
    let mut clients: Vec<Client> =
        (1..=CLIENTS).map(|number| Client::new(number, dice.below(1 << 30) as u64, &volume, &recordings)).collect();
    for _ in 0..kills {
        disturbed(&volume, &mut clients, Duration::from_millis(dice.below(LONGEST_LIFE) as u64)).await;
    }
    let (jobs, wrong) = undisturbed(&volume, async |address| {
        join_all(clients.iter_mut().map(|client| client.settle(&address))).await;
        let mut wrong = Vec::new();
        for client in &mut clients {
            wrong.extend(client.check(&address, &expected).await);
        }
        (listed(&address).await, wrong)
    })
    .await;
    let known: BTreeMap<&str, End> = clients.iter().flat_map(Client::ends).collect();
    let kept: Vec<&str> = known.iter().filter(|(_, end)| **end != End::Deleted).map(|(name, _)| *name).collect();
    // Missing jobs and wrong jobs.
    let losses = kept.iter().filter(|name| !jobs.contains_key(**name)).count() + wrong.len();

    let attempts = jobs.values().map(|job| job["attempts"].as_u64().unwrap());
    let repeats: u64 = attempts.map(|attempts| attempts.saturating_sub(1)).sum();
    let report = json!({
        "seed": seed, "kills": kills, "jobs": known.len(), "deleted": known.len() - jobs.len(), "losses": losses, "repeats": repeats,
        "repeats_per_kill": repeats as f64 / kills as f64, "repeated_requests": clients.iter().map(Client::repeated).sum::<usize>(),
        "seconds": started.elapsed().as_secs(),
    });
    tell(&format!("chaos: {report}"));
    if let Some(path) = std::env::var_os("CALLANNOTATE_CHAOS_REPORT") {
        std::fs::write(path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    }
    assert_eq!(jobs.keys().map(String::as_str).collect::<Vec<_>>(), kept);
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(strays(&volume, &jobs), Vec::<String>::new());
}

#[expect(clippy::print_stderr, reason = "the figures of the run, and what repeats it")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Cuts a piece of speech out of the voicemail; start and length in seconds.
fn cut(folder: &Path, (start, length): (&str, &str)) -> Vec<u8> {
    let path = folder.join(format!("{start}.wav"));
    ffmpeg(&fixture("voicemail.flac"), &["-ss", start, "-t", length], &path);
    std::fs::read(path).unwrap()
}
