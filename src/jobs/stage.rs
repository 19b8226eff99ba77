//! The stages of a job, each defined once: its name, its place in the order, and what is known about it besides its code.
//!
//! The code of a stage is in `pipeline`; its words for people are in the message files, selected by its name.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::options::JobOptions;

/// One stage of the pipeline, in the order in which they run and are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Stage {
    /// Checks that the file is a recording within the limits.
    Validation,
    /// Decodes, resamples, and decides how channels are processed.
    Preprocessing,
    /// Finds out who speaks when.
    Diarization,
    /// Turns speech into words.
    Transcription,
    /// Compares the speakers with the enrolled voices.
    Recognition,
    /// Looks up the speakers in the address book.
    CarddavLookup,
    /// Puts the published document together.
    Annotation,
}

/// What is known about a stage besides its code.
struct Facts {
    /// The share of a job's work, in percent, as measured on two-party calls with the tiny model (docs/benchmarks.md).
    weight: u32,
    runs: Runs,
}

/// Whether a stage runs.
enum Runs {
    /// In every job; without it there is no result.
    Always,
    /// In every job, unless its model is missing.
    WithModel,
    /// Where the job's option says so.
    Option {
        value: fn(&JobOptions) -> Option<bool>,
        /// What is assumed of a job without the option, since the setting that decides is the pipeline's.
        default: bool,
        /// The stage whose findings this one works on.
        after: Option<Stage>,
    },
}

impl Stage {
    const fn facts(self) -> Facts {
        match self {
            Self::Validation | Self::Annotation => Facts { weight: 1, runs: Runs::Always },
            Self::Preprocessing => Facts { weight: 3, runs: Runs::Always },
            Self::Diarization => {
                Facts { weight: 28, runs: Runs::Option { value: |options| options.diarize, default: true, after: None } }
            }
            Self::Transcription => Facts { weight: 65, runs: Runs::WithModel },
            Self::Recognition => {
                let after = Some(Self::Diarization);
                Facts { weight: 1, runs: Runs::Option { value: |options| options.recognize, default: true, after } }
            }
            Self::CarddavLookup => {
                Facts { weight: 1, runs: Runs::Option { value: |options| options.lookup_contacts, default: false, after: None } }
            }
        }
    }

    /// All stages in order.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + Clone {
        Self::VARIANTS.iter().copied()
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The stage with this published name.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The share of a job's work, in percent; all shares together are 100.
    pub const fn weight(self) -> u32 {
        self.facts().weight
    }

    /// Whether a job can have a result without this stage.
    pub const fn is_optional(self) -> bool {
        !matches!(self.facts().runs, Runs::Always)
    }

    /// Whether a job runs the stage, as far as its options decide that.
    pub fn is_wanted(self, options: &JobOptions) -> bool {
        match self.facts().runs {
            Runs::Always | Runs::WithModel => true,
            Runs::Option { value, default, after } => {
                value(options).unwrap_or(default) && after.is_none_or(|stage| stage.is_wanted(options))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_all_stages_are_a_whole() {
        assert_eq!(Stage::all().map(Stage::weight).sum::<u32>(), 100);
    }

    #[test]
    fn every_name_leads_back_to_its_stage() {
        for stage in Stage::all() {
            assert_eq!(Stage::from_name(stage.name()), Some(stage));
        }
        assert_eq!(Stage::CarddavLookup.name(), "carddav_lookup");
    }

    #[test]
    fn a_stage_is_wanted_unless_the_options_switch_it_or_what_it_builds_on_off() {
        let wanted = |options: &JobOptions| Stage::all().filter(|stage| stage.is_wanted(options)).map(Stage::name).collect();
        let all_but_contacts: Vec<&str> = Stage::all().filter(|stage| *stage != Stage::CarddavLookup).map(Stage::name).collect();
        let found: Vec<&str> = wanted(&JobOptions::default());
        assert_eq!(found, all_but_contacts);
        let found: Vec<&str> = wanted(&JobOptions { diarize: Some(false), lookup_contacts: Some(true), ..JobOptions::default() });
        assert_eq!(found, ["validation", "preprocessing", "transcription", "carddav_lookup", "annotation"]);
    }
}
