//! The server as a process that may die, with its log.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::process::callannotate;

/// The deadline for a log line or the end of the process: on a busy machine an annotation takes long.
const DEADLINE: Duration = Duration::from_mins(3);

pub struct Observed {
    process: Child,
    events: Receiver<Value>,
    pub url: String,
}

impl Observed {
    /// Starts a server and waits until it listens. If it dies before, returns its exit status.
    pub fn start(volume: &Path, more: &[(&str, &str)]) -> Result<Self, ExitStatus> {
        let mut command = callannotate(volume);
        command.envs(more.iter().copied()).arg("serve");
        Self::start_as(command)
    }

    /// The same by a command of the test.
    pub fn start_as(mut command: Command) -> Result<Self, ExitStatus> {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, events) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // A dying process may cut off its last line, and the receiver may be gone.
                if let Ok(event) = serde_json::from_str(&line) {
                    let _nobody_listens = sender.send(event);
                }
            }
        });
        let mut server = Self { process, events, url: String::new() };
        match server.next("listening") {
            Some(event) => {
                server.url = format!("http://{}", event["address"].as_str().unwrap());
                Ok(server)
            }
            None => Err(server.end()),
        }
    }

    /// The next event with this name; none if the process ends without it.
    pub fn next(&self, event: &str) -> Option<Value> {
        self.next_of(&[event])
    }

    /// The next event with one of these names; none if the process ends without it.
    pub fn next_of(&self, events: &[&str]) -> Option<Value> {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(found) if events.iter().any(|event| found["event"] == *event) => return Some(found),
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => panic!("waited too long for one of the events {events:?}"),
            }
        }
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// The most memory that the process has had, in bytes.
    pub fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Waits for the end of the process.
    pub fn end(mut self) -> ExitStatus {
        assert!(self.next("no such event").is_none());
        self.process.wait().unwrap()
    }

    /// Kills the process with SIGKILL.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.end();
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        // Usually the process has exited already.
        let _already_gone = self.process.kill();
        self.process.wait().unwrap();
    }
}
