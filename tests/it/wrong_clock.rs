//! A machine whose clock is wrong by any amount: no panic ends the process, and no job is lost.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use serde_json::Value;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::observed::Observed;
use super::support::process::callannotate;
use super::support::sound::run;
use callannotate::clock::Clock;

/// Seconds since 1970: the year 1900, and the year 300000.
const WRONG: [&str; 2] = ["-2208988800", "9404954000000"];

/// A library that answers with the time in a file as long as there is one.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, id, now);
    FILE *file = id == CLOCK_REALTIME ? fopen(getenv("WRONG_CLOCK"), "re") : NULL;
    if (file) {
        long long seconds;
        if (fscanf(file, "%lld", &seconds) == 1) now->tv_sec = seconds;
        fclose(file);
    }
    return result;
}
"#;

/// The library, compiled, and the file that it reads.
fn wrong_clock(folder: &Path) -> [(&'static str, PathBuf); 2] {
    let (source, library) = (folder.join("clock.c"), folder.join("clock.so"));
    std::fs::write(&source, LIBRARY).unwrap();
    run("cc", &["-shared", "-fPIC", "-o", library.to_str().unwrap(), source.to_str().unwrap()]);
    [("LD_PRELOAD", library), ("WRONG_CLOCK", folder.join("time"))]
}

fn with_clock(command: &mut Command, clock: &[(&str, PathBuf)]) {
    command.envs(clock.iter().map(|(name, path)| (name, path)));
}

#[test]
fn a_server_does_not_start_with_a_clock_that_no_response_could_show_and_other_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let clock = wrong_clock(folder.path());
    for time in WRONG {
        std::fs::write(folder.path().join("time"), time).unwrap();
        let volume = folder.path().join("volume");
        let mut serve = callannotate(&volume);
        with_clock(serve.arg("serve"), &clock);
        let output = serve.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.status.signal()), (Some(1), None), "{error}");
        assert!(
            error.contains("the machine's clock is not between the years 1970 and 9999") && error.lines().count() == 1,
            "{error}"
        );
        let mut keys = callannotate(&volume);
        with_clock(keys.args(["keys", "create", "--label", "a", "--scope", "read"]), &clock);
        assert!(keys.output().unwrap().status.success());
    }
}

#[tokio::test]
async fn a_clock_that_jumps_away_while_the_server_runs_does_not_end_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = wrong_clock(folder.path());
    let texts: Vec<(&str, &str)> = clock.iter().map(|(name, path)| (*name, path.to_str().unwrap())).collect();
    let server = Observed::start(&folder.path().join("volume"), &texts).unwrap();
    let health = async || {
        // A new connection each time: the old one may have ended with the wrong clock.
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).pool_max_idle_per_host(0).build().unwrap();
        client.get(format!("{}/health", server.url)).send().await
    };
    for time in WRONG {
        assert_eq!(health().await.unwrap().status(), 200);
        std::fs::write(folder.path().join("time"), time).unwrap();
        // Answered with the date that its thread wrote last, or, where there is none, broken off: no response can have this date.
        drop(health().await);
        std::fs::remove_file(folder.path().join("time")).unwrap();
    }
    assert_eq!(health().await.unwrap().status(), 200);
    server.signal(Signal::TERM);
    assert!(server.end().success());
}

#[tokio::test]
async fn jobs_go_on_at_the_ends_of_time() {
    for time in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let folder = tempfile::tempdir().unwrap();
        let rules = [
            ("CALLANNOTATE__RETENTION__RECORDINGS_MAX_AGE", "1"),
            ("CALLANNOTATE__RETENTION__RESULTS_MAX_AGE", "36500"),
            ("CALLANNOTATE__RETENTION__CHECK_INTERVAL", "1"),
        ];
        let app = TestApp::spawn_at(folder.path(), &rules, Clock::from_fn(move || time)).await;
        let id = app.create_job(tone(300), &[]).await;
        assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
        app.stop().await;
        // At the other end of time all that is ages away, and nothing overflows.
        let other = if time == DateTime::<Utc>::MIN_UTC { DateTime::<Utc>::MAX_UTC } else { DateTime::<Utc>::MIN_UTC };
        let app = TestApp::spawn_at(folder.path(), &[], Clock::from_fn(move || other)).await;
        let job: Value = app.job(&id).await;
        assert_eq!(job["status"], "completed", "{job}");
        app.stop().await;
    }
}
