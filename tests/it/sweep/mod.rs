//! Injects faults at each file operation in turn: an error, a full disk, a partial write, a dying server.
//!
//! A scenario is a list of steps. It is played once undisturbed, to record its final state and count the operations; then once for
//! every operation and every fault. A client that gets an error, or no answer because the server died, repeats its request, and
//! the play continues. The final state must be that of the undisturbed play, to the job and to the file. An answered request is
//! not repeated, so that work that was acknowledged and then lost shows as a different final state.

mod answer;
mod end;
mod scenarios;
mod upgrade;
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callannotate::access::Scope;
use callannotate::access::keys::Key;
use callannotate::clock::Clock;
use callannotate::volume::{Counted, Fault, Faults, KeyFile, Operation};
use end::End;
use scenarios::{ALL, Scenario};
use world::{Plan, World};

/// The deadline of one play.
const DEADLINE: Duration = Duration::from_mins(1);

/// How many plays run at once: they mostly wait.
const THREADS: usize = 6;

/// Without `CALLANNOTATE_SWEEP=full` a fault is tried at every n-th operation, from a different start for each fault.
const STRIDE: usize = 6;

/// The maximum number of operations per scenario: retention repeats its checks for as long as a play lasts.
const MOST_OPERATIONS: usize = 250;

const CHANGES: [Fault; 6] =
    [Fault::Broken, Fault::Full, Fault::FullForAWhile, Fault::DiesBefore, Fault::DiesWithin, Fault::DiesAfter];

/// One play with one fault.
#[derive(Clone, Copy)]
struct Play {
    scenario: &'static Scenario,
    plan: Plan,
}

fn is_full() -> bool {
    std::env::var("CALLANNOTATE_SWEEP").is_ok_and(|value| value == "full")
}

/// Plays a scenario on its own volume, and returns the final state.
fn play(scenario: &Scenario, plan: Plan) -> (End, World) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let played = runtime.block_on(async {
        let played = async {
            let mut world = World::new(scenario, plan);
            for step in scenario.steps {
                world.play(step).await;
            }
            (world.end().await, world)
        };
        tokio::time::timeout(DEADLINE, played)
            .await
            .unwrap_or_else(|_| panic!("{} {plan:?}: not done after {DEADLINE:?}", scenario.name))
    });
    runtime.shutdown_background();
    played
}

/// All plays of a scenario: every operation with every fault that applies to it.
fn plays(scenario: &'static Scenario) -> Vec<Play> {
    let mut plays = Vec::new();
    for (counted, faults) in [(Counted::Changes, &CHANGES[..]), (Counted::Reads, &[Fault::Broken][..])] {
        let (_, world) = play(scenario, Plan::none(counted));
        let stride = if is_full() { 1 } else { STRIDE };
        // A few more, since the order of worker and clients varies.
        let last = (world.operations() + if is_full() { 3 } else { 0 }).min(MOST_OPERATIONS);
        for (index, fault) in faults.iter().enumerate() {
            let first = 1 + index * 5 % stride;
            plays.extend(
                (first..=last)
                    .step_by(stride)
                    .map(|number| Play { scenario, plan: Plan { counted, fault: Some((number, *fault)) } }),
            );
        }
    }
    plays
}

#[test]
fn whatever_fails_and_wherever_the_server_dies_the_end_is_the_same() {
    let started = std::time::Instant::now();
    let expected: Vec<End> = ALL.iter().map(|scenario| play(scenario, Plan::none(Counted::Changes)).0).collect();
    let plays: Vec<Play> = ALL.iter().flat_map(plays).collect();
    let (next, struck) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (wrong, met) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(Play { scenario, plan }) = plays.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let index = ALL.iter().position(|other| other.name == scenario.name).unwrap();
                    let played = catch_unwind(AssertUnwindSafe(|| play(scenario, *plan)));
                    let (end, world) = match played {
                        Ok(played) => played,
                        Err(panic) => {
                            let cause = panic.downcast_ref::<String>().cloned();
                            let cause = cause.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                            wrong.lock().unwrap().push(format!("{}: {plan:?}: {}", scenario.name, cause.unwrap_or_default()));
                            continue;
                        }
                    };
                    let Some((operation, path)) = world.struck() else { continue };
                    struck.fetch_add(1, Ordering::Relaxed);
                    met.lock().unwrap().insert(format!("{operation:?}"));
                    if end != expected[index] {
                        let path = path.display();
                        let expected = &expected[index];
                        wrong.lock().unwrap().push(format!(
                            "{}: {plan:?} ({operation:?} of {path}):\n  {end:?}\n  instead of\n  {expected:?}",
                            scenario.name
                        ));
                    }
                }
            });
        }
    });
    let (struck, seconds) = (struck.into_inner(), started.elapsed().as_secs());
    let wrong = wrong.into_inner().unwrap();
    tell(&format!("sweep: {} plays, {struck} faults struck, {} wrong ends, {seconds} s", plays.len(), wrong.len()));
    assert!(wrong.is_empty(), "{} wrong ends:\n{}", wrong.len(), wrong.join("\n"));
    let kinds = ["Create", "CreateFolder", "Read", "Remove", "RemoveFolder", "Rename", "Sync", "Write"];
    assert_eq!(met.into_inner().unwrap().iter().map(String::as_str).collect::<Vec<_>>(), kinds);
    assert!(struck * 10 >= plays.len() * 9, "{struck} of {} faults were met", plays.len());
}

#[expect(clippy::print_stderr, reason = "prints the figures of the run")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// The labels of the keys in a folder.
fn labels(folder: &Path) -> Vec<String> {
    KeyFile::of(folder).read().unwrap().into_iter().map(|key| key.label).collect()
}

#[test]
fn a_change_of_the_keys_is_made_or_not_made_and_can_be_made_again() {
    let add = |file: &KeyFile, label: &str| {
        let (key, _secret) = Key::generate(label.to_owned(), vec![Scope::Read], Clock::system().now()).unwrap();
        file.change(|keys| keys.push(key))
    };
    let changes = |faults: &Faults, folder: &Path| add(&KeyFile::failing(folder, faults.clone()), "new");
    let counted = Faults::none(Counted::Changes);
    let folder = tempfile::tempdir().unwrap();
    changes(&counted, folder.path()).unwrap();
    assert!(counted.count() >= 6, "{}", counted.count());
    for number in 1..=counted.count() {
        for fault in CHANGES {
            let folder = tempfile::tempdir().unwrap();
            add(&KeyFile::of(folder.path()), "old").unwrap();
            let faults = Faults::at(Counted::Changes, number, fault);
            let made = changes(&faults, folder.path()).is_ok();
            // Releases the lock, as at the end of a command.
            faults.die();
            let found = labels(folder.path());
            let after_naming = matches!(faults.struck(), Some((Operation::Sync | Operation::Rename, _)));
            assert!(found == ["old", "new"] || !made && found == ["old"], "{number} {fault:?}: {made} {found:?}");
            assert!(made || found == ["old"] || after_naming, "{number} {fault:?}: {found:?}");
            if !made && found == ["old"] {
                add(&KeyFile::of(folder.path()), "new").unwrap();
            }
            assert_eq!(labels(folder.path()), ["old", "new"], "{number} {fault:?}");
        }
    }
}
