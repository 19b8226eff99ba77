//! Preprocessing: decodes the recording and turns its channels into the signals that the other stages work on.

use std::fs::File;

use super::error::{PipelineError, decode_error, signal_error};
use super::quality;
use super::report::Reports;
use super::task::Task;
use crate::audio::channels::{self, ChannelPlan};
use crate::audio::decode::{self, DecodeLimits};
use crate::audio::{Audio, Recording};
use crate::context::JobContext;
use crate::jobs::options::ChannelMode;
use crate::jobs::stage::Stage;
use crate::media::{Format, SourceInfo};

/// A signal to process. `channel` is set when the recording's channels are processed separately.
pub(super) struct ChannelSignal {
    pub(super) channel: Option<u16>,
    pub(super) audio: Audio,
}

impl From<channels::Signal> for ChannelSignal {
    fn from(signal: channels::Signal) -> Self {
        // Channels with the same content count as the first of them.
        let channel = signal.channels.first().and_then(|channel| u16::try_from(*channel).ok());
        Self { channel, audio: signal.audio }
    }
}

/// Checks that the recording may be processed, and returns what it was identified as when it was accepted. It is identified again
/// only if that is not known, since a retried job may have failed for just that, or if the file no longer has the recorded size.
pub(super) fn validate(limits: &DecodeLimits, task: &Task<'_>) -> Result<SourceInfo, PipelineError> {
    let recorded = task.source;
    let is_as_recorded = task.recording.metadata().is_ok_and(|file| file.len() == task.size_bytes);
    let identified = if recorded.format == Format::Unknown || !is_as_recorded {
        decode::probe_file(task.recording, recorded.headerless, limits)
    } else {
        decode::check_length(recorded, limits).map(|()| recorded.clone())
    };
    identified.map_err(|error| decode_error(Stage::Validation, error))
}

/// Decodes the recording and decides whether its channels are processed separately or as one signal. Also returns what the
/// decoder found out about the file, which is more accurate than what it was identified as.
pub(super) fn preprocess(
    limits: &DecodeLimits,
    ctx: &JobContext,
    (recording, identified): (&File, &SourceInfo),
    mode: ChannelMode,
    reports: &mut Reports,
) -> Result<(Vec<ChannelSignal>, SourceInfo), PipelineError> {
    let unkept = |error| signal_error(Stage::Preprocessing, error);
    decode::check_room(identified, limits, ctx).map_err(unkept)?;
    let recording = decode::decode_identified(recording, identified, limits, ctx)
        .map_err(|error| decode_error(Stage::Preprocessing, error))?;
    let Recording { source, channels, levels, damaged_packets } = recording;
    if damaged_packets > 0 {
        reports.warn(format!("{damaged_packets} damaged packets of the recording were passed over"));
    }
    if source.duration.0 * 100 < identified.duration.0 * 95 {
        reports.warn(format!(
            "the recording breaks off: it should last {:.1} s, and {:.1} s could be decoded",
            identified.duration.as_seconds(),
            source.duration.as_seconds()
        ));
    }
    let plan = channels::plan(channels, mode).map_err(unkept)?;
    reports.warn_all(quality::warnings(&plan, &levels));
    let signals: Vec<ChannelSignal> = match plan {
        ChannelPlan::Together(signal) => vec![ChannelSignal { channel: None, audio: signal.audio }],
        ChannelPlan::Apart(signals) => signals.into_iter().map(ChannelSignal::from).collect(),
    };
    Ok((signals, source))
}
