//! The progress of a running job. The percentage never falls.

use super::stage::Stage;

/// The progress of a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The stage that is running.
    pub stage: Stage,
    /// Percentage of this stage that is done, 0 to 100.
    pub stage_percent: u8,
    /// Percentage of the whole job, 0 to 99: 100 is for a completed job.
    pub percent: u8,
}

impl Progress {
    /// Before the first report.
    pub const START: Self = Self { stage: Stage::Validation, stage_percent: 0, percent: 0 };

    /// The beginning of a stage.
    #[must_use]
    pub fn at(stage: Stage) -> Self {
        Self::START.advanced(stage, 0)
    }

    /// The progress after a report; what would go backwards is ignored.
    #[must_use]
    pub fn advanced(self, stage: Stage, stage_percent: u8) -> Self {
        if stage < self.stage {
            return self;
        }
        let stage_percent = if stage == self.stage { stage_percent.max(self.stage_percent) } else { stage_percent }.min(100);
        let before: u32 = Stage::all().filter(|other| *other < stage).map(Stage::weight).sum();
        let percent = before + stage.weight() * u32::from(stage_percent) / 100;
        Self { stage, stage_percent, percent: u8::try_from(percent.min(99)).unwrap_or(99).max(self.percent) }
    }

    /// The stages that are done.
    pub fn completed(self) -> impl Iterator<Item = Stage> {
        Stage::all().filter(move |stage| *stage < self.stage)
    }

    /// The stages that come after the present one.
    pub fn remaining(self) -> impl Iterator<Item = Stage> {
        Stage::all().filter(move |stage| *stage > self.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn progress_never_falls(reports in proptest::collection::vec((0usize..7, 0u8..=255), 0..50)) {
            let mut progress = Progress::START;
            for (stage, percent) in reports {
                let next = progress.advanced(Stage::all().nth(stage).unwrap(), percent);
                prop_assert!(next.percent >= progress.percent && next.stage >= progress.stage && next.percent < 100);
                progress = next;
            }
        }
    }
}
