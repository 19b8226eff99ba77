//! The scenarios: together they cover every change of the volume.
//!
//! To cover a new kind of change, add a step here and perform it in `world.rs`.

use super::super::support::scripted::Act;

/// An action of a client, of the scripted stages or of the machine.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// Sets what the diarization does from now on, and releases a held job.
    Diarization(Act),
    /// Sends a recording with these options.
    Upload(&'static str, &'static str),
    /// Creates a job from a file in `incoming/`.
    Take(&'static str),
    /// Drops a recording with this sidecar into the watched folder, and waits until it is a job.
    Lay(&'static str, &'static str),
    /// Waits until the diarization holds the job.
    Held(&'static str),
    /// Waits until the job has finished.
    Ended(&'static str),
    /// Waits until the job is archived.
    Archived(&'static str),
    Cancel(&'static str),
    Retry(&'static str),
    Delete(&'static str),
    /// Reads the result and the recording.
    Read(&'static str),
    /// Stops the server in an orderly way; the next step starts another one.
    Stop,
    /// Lets the server die; the next step starts another one.
    Die,
}

/// A named list of steps with its settings.
#[derive(Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// The value of `queue.max_attempts`.
    pub max_attempts: u32,
    /// Whether retention archives finished jobs.
    pub archives: bool,
    /// Whether the folder is watched and results are linked by name.
    pub watches: bool,
    pub steps: &'static [Step],
}

/// More attempts than any play uses, so that no job fails because of the number of faults.
const MANY: u32 = 100;

/// Options with which a failing stage fails the job.
const STRICT: &str = r#"{"strict": true, "recognize": false}"#;

/// The defaults of a scenario.
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
            // Only now: a job that was running at two crashes waits behind the others.
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
