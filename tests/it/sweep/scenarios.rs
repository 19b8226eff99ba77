//! What is played: together, everything that changes the volume.
//!
//! To cover a new way of changing it, add a step here and how it is performed in `world.rs`.

use super::super::support::scripted::Act;

/// What a client, the test's stages or the machine do.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The diarization does this from now on; what it held before goes on.
    Diarization(Act),
    /// A recording is sent, with these options.
    Upload(&'static str, &'static str),
    /// A file in `incoming/` is made a job.
    Take(&'static str),
    /// A recording is laid into the watched folder, with a sidecar that holds this; waits until it is a job.
    Lay(&'static str, &'static str),
    /// Waits until the job is held by its diarization.
    Held(&'static str),
    /// Waits until the job has ended.
    Ended(&'static str),
    /// Waits until the job is archived.
    Archived(&'static str),
    Cancel(&'static str),
    Retry(&'static str),
    Delete(&'static str),
    /// The result and the recording are read.
    Read(&'static str),
    /// The server is stopped in an orderly way; the next step starts another one.
    Stop,
    /// The server dies; the next step starts another one.
    Die,
}

/// A play.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// `queue.max_attempts`.
    pub max_attempts: u32,
    /// Whether retention archives whatever has ended.
    pub archives: bool,
    /// Whether the folder is watched, and results are linked by name.
    pub watches: bool,
    pub steps: &'static [Step],
}

/// More attempts than any play has: a fault more or less makes no job fail.
const MANY: u32 = 100;

/// A stage that fails fails the job.
const STRICT: &str = r#"{"strict": true, "recognize": false}"#;

/// What a play has that does not say.
const PLAIN: Scenario = Scenario { name: "", max_attempts: MANY, archives: false, watches: false, steps: &[] };

pub const ALL: [Scenario; 9] = [
    Scenario {
        name: "a recording is annotated, read and deleted",
        steps: &[
            Step::Upload("a", "{}"),
            Step::Ended("a"),
            Step::Read("a"),
            Step::Upload("b", "{}"),
            Step::Ended("b"),
            Step::Delete("a"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "a file in incoming/ is taken",
        steps: &[Step::Take("a"), Step::Ended("a"), Step::Stop, Step::Read("a")],
        ..PLAIN
    },
    Scenario {
        name: "recordings are laid into the folder, with sidecars good and bad",
        watches: true,
        steps: &[
            Step::Lay("a", r#"{"metadata": {"external_id": "a"}}"#),
            Step::Ended("a"),
            Step::Read("a"),
            Step::Lay("b", r#"{"priority": 99}"#),
            Step::Ended("b"),
            Step::Lay("c", r#"{"metadata": {"external_id": "c"}}"#),
            Step::Ended("c"),
            Step::Delete("a"),
            Step::Delete("b"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "a recording fails, is tried again, and fails once more",
        steps: &[
            Step::Diarization(Act::Fail),
            Step::Upload("a", STRICT),
            Step::Ended("a"),
            Step::Upload("b", STRICT),
            Step::Ended("b"),
            Step::Upload("c", STRICT),
            Step::Ended("c"),
            Step::Delete("c"),
            Step::Diarization(Act::Succeed),
            Step::Retry("a"),
            Step::Ended("a"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "jobs that wait are cancelled, tried again and deleted",
        steps: &[
            Step::Diarization(Act::Hold),
            Step::Upload("running", "{}"),
            Step::Held("running"),
            Step::Upload("a", "{}"),
            Step::Upload("b", "{}"),
            Step::Upload("c", "{}"),
            Step::Cancel("a"),
            Step::Cancel("b"),
            Step::Retry("b"),
            Step::Delete("c"),
            Step::Diarization(Act::Succeed),
            Step::Ended("running"),
            Step::Ended("b"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "jobs that run are cancelled, tried again and deleted",
        steps: &[
            Step::Diarization(Act::Hold),
            Step::Upload("a", "{}"),
            Step::Held("a"),
            Step::Cancel("a"),
            Step::Ended("a"),
            Step::Upload("b", "{}"),
            Step::Held("b"),
            Step::Delete("b"),
            Step::Upload("c", "{}"),
            Step::Held("c"),
            Step::Cancel("c"),
            Step::Ended("c"),
            Step::Diarization(Act::Succeed),
            Step::Retry("c"),
            Step::Ended("c"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "a server stops, another one dies, and the work goes on",
        steps: &[
            Step::Diarization(Act::Hold),
            Step::Upload("a", "{}"),
            Step::Held("a"),
            Step::Stop,
            Step::Held("a"),
            Step::Die,
            Step::Held("a"),
            // Not before: what the server died on twice waits behind the others.
            Step::Upload("b", "{}"),
            Step::Cancel("a"),
            Step::Die,
            Step::Ended("a"),
            Step::Diarization(Act::Succeed),
            Step::Ended("b"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "jobs that have ended are archived",
        archives: true,
        steps: &[
            Step::Upload("a", "{}"),
            Step::Archived("a"),
            Step::Diarization(Act::Fail),
            Step::Upload("b", STRICT),
            Step::Archived("b"),
            Step::Delete("a"),
        ],
        ..PLAIN
    },
    Scenario {
        name: "a recording that the server dies on is set aside",
        max_attempts: 1,
        steps: &[Step::Diarization(Act::Hold), Step::Upload("a", "{}"), Step::Held("a"), Step::Die, Step::Ended("a"), Step::Stop],
        ..PLAIN
    },
];
