//! Reads what the demuxer does not report about an MP4 file, and keeps from it what no recording needs.
//!
//! AAC begins with one or two frames of encoder delay, recorded in the edit list or in a comment of iTunes. Without trimming, all
//! times of the recording would be 20 to 130 ms late. The demuxer holds all tables in memory, of every track, and all metadata.
//! So the tables of the audio tracks are measured before it builds them, and everything else is renamed to `free`, which it passes
//! over: the offsets in the tables stay right.

mod boxes;
mod comment;
mod facts;
mod fragment;
mod movie;
mod track;

pub(super) use self::boxes::BoxesError;
pub(super) use self::comment::edit as gapless;
pub(super) use self::facts::{Edit, TrackFacts, samples};
pub(super) use self::movie::read;
