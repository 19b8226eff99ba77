//! Preprocessing: decodes the recording and turns its channels into the signals that the other stages work on.

use super::channel_signal::ChannelSignal;
use super::error::{decode_error, signal_error};
use super::report::Reports;
use super::{Pipeline, PipelineError, Task, quality};
use crate::audio::channels::{self, ChannelPlan};
use crate::audio::{Recording, SourceInfo, decode};
use crate::context::JobContext;
use crate::jobs::stage::Stage;

impl Pipeline {
    /// Decodes the recording and decides whether its channels are processed separately or as one signal. Also returns what the
    /// decoder found out about the file, which is more accurate than `probed`.
    pub(super) fn preprocess(
        &self,
        ctx: &JobContext,
        task: &Task<'_>,
        probed: &SourceInfo,
        reports: &mut Reports,
    ) -> Result<(Vec<ChannelSignal>, SourceInfo), PipelineError> {
        let unkept = |error| signal_error(Stage::Preprocessing, error);
        decode::check_room(probed, &self.limits, ctx).map_err(unkept)?;
        let recording = decode::decode_as(task.recording, task.headerless, &self.limits, ctx)
            .map_err(|error| decode_error(Stage::Preprocessing, error))?;
        let Recording { source, channels, levels, damaged_packets } = recording;
        if damaged_packets > 0 {
            reports.warn(format!("{damaged_packets} damaged packets of the recording were passed over"));
        }
        if source.duration.0 * 100 < probed.duration.0 * 95 {
            reports.warn(format!(
                "the recording breaks off: it should last {:.1} s, and {:.1} s could be decoded",
                probed.duration.as_seconds(),
                source.duration.as_seconds()
            ));
        }
        let plan = channels::plan(channels, task.options.channels).map_err(unkept)?;
        reports.warn_all(quality::warnings(&plan, &levels));
        let signals: Vec<ChannelSignal> = match plan {
            ChannelPlan::Together(signal) => vec![ChannelSignal { channel: None, audio: signal.audio }],
            ChannelPlan::Apart(signals) => signals.into_iter().map(ChannelSignal::from).collect(),
        };
        Ok((signals, source))
    }
}
