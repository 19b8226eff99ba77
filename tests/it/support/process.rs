//! The program as a separate process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The deadline of a client in the syntax of `timeout`: several times what the slowest needs.
const CLIENT_DEADLINE: &str = "180s";

/// The program with an empty environment except for these settings.
pub fn callannotate(volume: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callannotate"));
    command.env_clear().env("VOLUME_PATH", volume).env("CALLANNOTATE__SERVER__HOST", "127.0.0.1");
    command.env("CALLANNOTATE__SERVER__PORT", "0");
    command
}

/// A server on a free port, killed on drop.
pub struct Server {
    process: Child,
    pub port: String,
}

impl Server {
    pub fn start(volume: &Path) -> Self {
        Self::start_with(volume, &[])
    }

    /// With settings given as environment variables.
    pub fn start_with(volume: &Path, more: &[(&str, &str)]) -> Self {
        let mut command = callannotate(volume);
        let process = command.envs(more.iter().copied()).arg("serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut server = Self { process, port: String::new() };
        let mut lines = BufReader::new(server.process.stdout.take().unwrap()).lines();
        while server.port.is_empty() {
            let line = lines.next().expect("the server listens before it ends").unwrap();
            let event: Value = serde_json::from_str(&line).expect("every line of the log is JSON");
            if event["event"] == "listening" {
                event["address"].as_str().unwrap().rsplit(':').next().unwrap().clone_into(&mut server.port);
            }
        }
        // The log must be read, or the server blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        server
    }

    /// The peak of the process's memory, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// A client program with a deadline. It connects directly, whatever proxy is set.
pub fn client(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5s", CLIENT_DEADLINE]).arg(program);
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    command
}

/// Runs a client, which must succeed, and returns its output.
pub fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{status}\n{text}\n{errors}");
    text.into_owned()
}
