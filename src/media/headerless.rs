//! Headerless audio, as telephone exchanges write it, whose format must be declared by the client.
//!
//! The declaration is the media type of the upload (RFC 3551, section 4.5; RFC 2046 for `audio/basic`), or else the
//! file name extension, as in sox, ffmpeg and Asterisk. A job stores it only as format, codec, rate and channels of its
//! recording. Pure. `decode` checks whether the content is compatible, and a header in the file takes precedence.

/// Default rate of an extension or a media type without parameters, in Hz; the default is one channel.
const TELEPHONE_RATE: u32 = 8_000;

/// Accepted declared rates, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Accepted declared numbers of channels; decoding has its own limit.
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=64;

/// The encoding of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// G.711 A-law, 8 bits per sample.
    Alaw,
    /// G.711 µ-law, 8 bits per sample.
    Mulaw,
    /// 16-bit linear PCM, big-endian (`audio/L16`).
    Linear,
}

impl Coding {
    pub(super) const ALL: [Self; 3] = [Self::Alaw, Self::Mulaw, Self::Linear];

    /// The published name of the codec.
    #[must_use]
    pub const fn codec(self) -> &'static str {
        match self {
            Self::Alaw => "pcm_alaw",
            Self::Mulaw => "pcm_mulaw",
            Self::Linear => "pcm_s16be",
        }
    }

    /// The encoding with this published codec name.
    pub(super) fn from_codec(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|coding| coding.codec() == name)
    }

    /// Number of bytes per sample.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::Alaw | Self::Mulaw => 1,
            Self::Linear => 2,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Alaw => "audio/PCMA",
            Self::Mulaw => "audio/PCMU",
            Self::Linear => "audio/L16",
        }
    }
}

/// The declared format of a headerless file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headerless {
    /// The encoding of the samples.
    pub coding: Coding,
    /// Sample rate in Hz.
    pub rate: u32,
    /// Number of channels, interleaved.
    pub channels: u16,
}

/// A media type of headerless audio with an invalid parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the content type of the recording has an impossible `{parameter}`")]
pub struct InvalidMediaType {
    /// Name of the invalid or missing parameter.
    pub parameter: &'static str,
}

impl Headerless {
    /// Parses a media type; `None` if it is not one of headerless audio.
    ///
    /// # Errors
    /// When rate or channels are out of range, or a mandatory rate is missing.
    pub fn from_media_type(text: &str) -> Result<Option<Self>, InvalidMediaType> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let coding = match name.as_str() {
            "audio/pcma" | "audio/x-alaw-basic" | "audio/x-alaw" | "audio/alaw" => Coding::Alaw,
            "audio/pcmu" | "audio/basic" | "audio/x-mulaw" | "audio/mulaw" | "audio/x-ulaw" | "audio/ulaw" => Coding::Mulaw,
            "audio/l16" => Coding::Linear,
            _ => return Ok(None),
        };
        let (mut rate, mut channels) = (None, None);
        for part in parts {
            let Some((name, value)) = part.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("rate") {
                let found = value.parse().ok().filter(|rate| RATES.contains(rate));
                rate = Some(found.ok_or(InvalidMediaType { parameter: "rate" })?);
            } else if name.trim().eq_ignore_ascii_case("channels") {
                let found = value.parse().ok().filter(|channels| CHANNELS.contains(channels));
                channels = Some(found.ok_or(InvalidMediaType { parameter: "channels" })?);
            }
        }
        let usual = match coding {
            Coding::Alaw | Coding::Mulaw => Some(TELEPHONE_RATE),
            // RFC 3551 defines no default.
            Coding::Linear => None,
        };
        let rate = rate.or(usual).ok_or(InvalidMediaType { parameter: "rate" })?;
        Ok(Some(Self { coding, rate, channels: channels.unwrap_or(1) }))
    }

    /// The format that a file name extension stands for.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (stem, ending) = name.rsplit_once('.')?;
        let coding = match ending.to_ascii_lowercase().as_str() {
            _ if stem.is_empty() => return None,
            "al" | "alaw" | "alw" | "pcma" => Coding::Alaw,
            "ul" | "ulaw" | "ulw" | "mu" | "mulaw" | "pcmu" => Coding::Mulaw,
            _ => return None,
        };
        Some(Self { coding, rate: TELEPHONE_RATE, channels: 1 })
    }

    /// The media type for `Content-Type`, with all parameters.
    #[must_use]
    pub fn media_type(self) -> String {
        format!("{};rate={};channels={}", self.coding.media_type(), self.rate, self.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(coding: Coding, rate: u32, channels: u16) -> Headerless {
        Headerless { coding, rate, channels }
    }

    #[test]
    fn media_types_are_read_with_their_parameters() {
        for (text, expected) in [
            ("audio/PCMA", sound(Coding::Alaw, 8_000, 1)),
            ("AUDIO/pcmu; Rate=16000 ; channels=\"2\"", sound(Coding::Mulaw, 16_000, 2)),
            ("audio/basic", sound(Coding::Mulaw, 8_000, 1)),
            ("audio/x-alaw-basic;channels=2", sound(Coding::Alaw, 8_000, 2)),
            ("audio/x-mulaw;rate=8000;codecs=none", sound(Coding::Mulaw, 8_000, 1)),
            ("audio/L16;rate=44100", sound(Coding::Linear, 44_100, 1)),
        ] {
            let found = Headerless::from_media_type(text);
            assert_eq!(found, Ok(Some(expected)), "{text}");
            assert_eq!(Headerless::from_media_type(&expected.media_type()), Ok(Some(expected)), "{text}");
        }
        for text in ["", "audio/wav", "application/octet-stream", "audio/PCMA-WB", "audio/mpeg;rate=nonsense"] {
            assert_eq!(Headerless::from_media_type(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn impossible_parameters_are_named() {
        for (text, parameter) in [
            ("audio/PCMA;rate=0", "rate"),
            ("audio/PCMA;rate=8khz", "rate"),
            ("audio/PCMU;rate=99999999999", "rate"),
            ("audio/PCMU;channels=0", "channels"),
            ("audio/PCMU;channels=-1", "channels"),
            ("audio/L16;channels=1", "rate"),
        ] {
            assert_eq!(Headerless::from_media_type(text), Err(InvalidMediaType { parameter }), "{text}");
        }
    }

    #[test]
    fn names_are_read_by_their_ending_alone() {
        for (name, coding) in
            [("call.al", Coding::Alaw), ("a.b.ALAW", Coding::Alaw), ("x.ul", Coding::Mulaw), ("x.ulaw", Coding::Mulaw)]
        {
            assert_eq!(Headerless::from_name(name), Some(sound(coding, 8_000, 1)), "{name}");
        }
        for name in ["call.wav", "al", ".al", "call.al.wav", "call.raw", ""] {
            assert_eq!(Headerless::from_name(name), None, "{name}");
        }
    }
}
