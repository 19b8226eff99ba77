//! What is certainly not speech: music, ring-back and dialling tones, beeps and hum. (In work: nothing is rejected.)

use super::segmentation::Window;
use crate::audio::Audio;

/// Where a recording holds tones.
#[derive(Debug, Clone)]
pub(super) struct Tonality {}

impl Tonality {
    pub(super) fn of(_audio: &Audio) -> Self {
        Self {}
    }

    pub(super) fn silence(&self, _window: &mut Window) {}
}
