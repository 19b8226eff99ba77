//! The registry of decoders, published codec names, and the preparation of codec parameters.
//!
//! Names are those of ffmpeg, which users know.

use std::sync::LazyLock;

use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::{Error, Result};

use super::{gsm, vorbis};

/// Maximum samples of all channels in one packet, as a file states them; decoders reserve room for them.
const MAX_SAMPLES: u64 = 1 << 21;

static REGISTRY: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder::<symphonia_adapter_libopus::OpusDecoder>();
    registry.register_audio_decoder::<gsm::GsmDecoder>();
    registry
});

const NAMES: &[(AudioCodecId, &str)] = &[
    (id::CODEC_ID_PCM_S16LE, "pcm_s16le"),
    (id::CODEC_ID_PCM_S16BE, "pcm_s16be"),
    (id::CODEC_ID_PCM_S24LE, "pcm_s24le"),
    (id::CODEC_ID_PCM_S24BE, "pcm_s24be"),
    (id::CODEC_ID_PCM_S32LE, "pcm_s32le"),
    (id::CODEC_ID_PCM_S32BE, "pcm_s32be"),
    (id::CODEC_ID_PCM_S8, "pcm_s8"),
    (id::CODEC_ID_PCM_U8, "pcm_u8"),
    (id::CODEC_ID_PCM_F32LE, "pcm_f32le"),
    (id::CODEC_ID_PCM_F32BE, "pcm_f32be"),
    (id::CODEC_ID_PCM_F64LE, "pcm_f64le"),
    (id::CODEC_ID_PCM_F64BE, "pcm_f64be"),
    (id::CODEC_ID_PCM_ALAW, "pcm_alaw"),
    (id::CODEC_ID_PCM_MULAW, "pcm_mulaw"),
    (id::CODEC_ID_ADPCM_MS, "adpcm_ms"),
    (id::CODEC_ID_ADPCM_IMA_WAV, "adpcm_ima_wav"),
    (id::CODEC_ID_ADPCM_IMA_QT, "adpcm_ima_qt"),
    (id::CODEC_ID_ADPCM_G722, "adpcm_g722"),
    (id::CODEC_ID_ADPCM_G726, "adpcm_g726"),
    (id::CODEC_ID_MP1, "mp1"),
    (id::CODEC_ID_MP2, "mp2"),
    (id::CODEC_ID_MP3, "mp3"),
    (id::CODEC_ID_FLAC, "flac"),
    (id::CODEC_ID_OPUS, "opus"),
    (id::CODEC_ID_VORBIS, "vorbis"),
    (id::CODEC_ID_SPEEX, "speex"),
    (id::CODEC_ID_AAC, "aac"),
    (id::CODEC_ID_ALAC, "alac"),
    (id::CODEC_ID_AC3, "ac3"),
    (id::CODEC_ID_EAC3, "eac3"),
    (id::CODEC_ID_DCA, "dts"),
    (id::CODEC_ID_WAVPACK, "wavpack"),
    (gsm::CODEC_GSM, "gsm"),
    (gsm::CODEC_GSM_MS, "gsm_ms"),
];

/// The published name of a codec; `None` for an unknown one.
pub(super) fn name(codec: AudioCodecId) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == codec).map(|(_, name)| *name)
}

/// The published name of the codec of an MP4 sample entry.
pub(super) fn name_of_sample_entry(code: [u8; 4]) -> String {
    match &code {
        b"samr" => "amr".to_owned(),
        b"sawb" => "amr-wb".to_owned(),
        b"ac-3" => "ac3".to_owned(),
        b"ec-3" => "eac3".to_owned(),
        b"mp4a" => "aac".to_owned(),
        b"sevc" => "evrc".to_owned(),
        b"sqcp" => "qcelp".to_owned(),
        _ => code.iter().map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' }).collect(),
    }
}

/// Creates a decoder for a track.
pub(super) fn decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>> {
    if !is_bounded(parameters) {
        return Err(Error::LimitError("the decoder would need more memory than any recording needs"));
    }
    let mut parameters = parameters.clone();
    if parameters.codec == id::CODEC_ID_OPUS {
        // The adapter drops pre-skip samples only from the first packet, even if there are more than that packet
        // contains; our own trimming counts across packets.
        parameters.extra_data = None;
    } else if parameters.codec == id::CODEC_ID_AAC
        && let Some(plain) = parameters.extra_data.as_deref().and_then(plain_aac)
    {
        parameters.extra_data = Some(plain.into());
    }
    REGISTRY.make_audio_decoder(&parameters, &AudioDecoderOptions::default())
}

/// True if a decoder with these parameters needs no more memory than any recording.
fn is_bounded(parameters: &AudioCodecParameters) -> bool {
    let channels = parameters.channels.as_ref().map_or(1, |channels| channels.count() as u64);
    let frames = parameters.max_frames_per_packet.max(parameters.frames_per_block).unwrap_or(0);
    let headers = parameters.extra_data.as_deref().unwrap_or_default();
    frames.saturating_mul(channels) <= MAX_SAMPLES && (parameters.codec != id::CODEC_ID_VORBIS || vorbis::is_bounded(headers))
}

/// Pre-skip of an Opus stream, in samples at 48 kHz.
pub(super) fn opus_delay(parameters: &AudioCodecParameters) -> Option<u64> {
    let header = parameters.extra_data.as_deref().filter(|_| parameters.codec == id::CODEC_ID_OPUS)?;
    let [low, high] = header.strip_prefix(b"OpusHead")?.get(2..4)?.try_into().ok()?;
    Some(u64::from(u16::from_le_bytes([low, high])))
}

/// Reduces an AAC configuration to its AAC-LC core, which is all the decoder supports (no spectral band replication,
/// HE-AAC). The core covers the voice up to 8 kHz, except for the highest fricatives. Flags for extensions that
/// encoders set without using them are dropped too. `None` for other object types.
fn plain_aac(config: &[u8]) -> Option<[u8; 2]> {
    let bits = u32::from(u16::from_be_bytes(config.get(..2)?.try_into().ok()?));
    let (object, rate, channels) = (bits >> 11, bits >> 7 & 0xF, bits >> 3 & 0xF);
    if !matches!(object, 2 | 5 | 29) || rate == 0xF || channels == 0 {
        return None;
    }
    // The third bit from the end marks short frames, but only of AAC-LC.
    let short = if object == 2 { bits & 4 } else { 0 };
    Some(((2 << 11 | rate << 7 | channels << 3 | short) as u16).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_efficiency_aac_is_described_by_its_core() {
        // Object type 5, core 24 kHz (index 6), stereo, extension 48 kHz (index 3), object type 2.
        assert_eq!(plain_aac(&[0x2B, 0x11, 0x88, 0x00]), Some([0x13, 0x10]));
        assert_eq!(plain_aac(&[0x13, 0x10]), Some([0x13, 0x10]));
        assert_eq!(plain_aac(&[0x12, 0x12]), Some([0x12, 0x10]));
        assert_eq!(plain_aac(&[]), None);
    }

    #[test]
    fn unknown_sample_entries_are_printable() {
        assert_eq!(name_of_sample_entry(*b"samr"), "amr");
        assert_eq!(name_of_sample_entry([b'x', 0, 0xFF, b'y']), "x??y");
    }
}
