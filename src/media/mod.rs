//! What a recording is, as a value: container, codec, rate, channels and length. Found out once, when the recording comes in;
//! the job keeps it, the record on the volume holds it, and decoding relies on it. It reads no files.

mod format;
mod headerless;
mod millis;

pub use format::Format;
pub use headerless::{Coding, Headerless, InvalidMediaType};
pub use millis::Millis;

/// Facts about a recording's file, known before it is fully decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    pub format: Format,
    /// Published name of the codec: `pcm_s16le`, `pcm_mulaw`, `mp3`, `flac`, `opus`, `vorbis`, `aac`, ...
    pub codec: String,
    /// Sample rate of the file in Hz.
    pub sample_rate: u32,
    /// Number of channels in the file.
    pub channels: u16,
    /// Length of the audio.
    pub duration: Millis,
    /// How to read the samples of a file without a header.
    pub headerless: Option<Headerless>,
}

impl SourceInfo {
    /// A dropped file that could not be identified.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            format: Format::Unknown,
            codec: Format::Unknown.name().to_owned(),
            sample_rate: 0,
            channels: 0,
            duration: Millis::ZERO,
            headerless: None,
        }
    }

    /// From the facts on a record. The encoding of samples without a header follows from the codec, the rate and the channels,
    /// so it has no field there.
    #[must_use]
    pub fn from_record(format: Format, codec: String, sample_rate: u32, channels: u16, duration: Millis) -> Self {
        let coding = if format == Format::Raw { Coding::from_codec(&codec) } else { None };
        let headerless = coding.map(|coding| Headerless { coding, rate: sample_rate, channels });
        Self { format, codec, sample_rate, channels, duration, headerless }
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_record_holds_enough_of_samples_without_a_header() {
        for coding in Coding::ALL {
            let stereo = Headerless { coding, rate: 16_000, channels: 2 };
            let of = |format| SourceInfo::from_record(format, coding.codec().to_owned(), 16_000, 2, Millis(1));
            assert_eq!(of(Format::Raw).headerless, Some(stereo));
            assert_eq!(of(Format::Wav).headerless, None);
        }
        assert_eq!(SourceInfo::from_record(Format::Raw, "gsm".to_owned(), 8_000, 1, Millis(1)).headerless, None);
    }

    #[test]
    fn every_format_has_a_name_of_its_own() {
        for format in Format::VARIANTS.iter().copied() {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
    }
}
