//! A decoder for GSM full rate (ETSI EN 300 961, GSM 06.10), 13 kbit/s, long used by voicemail systems and telephone
//! exchanges.
//!
//! No maintained decoder exists in Rust. The standard defines every step in 16-bit arithmetic, so correct decoders
//! agree to the bit, and the tests compare this one with another implementation. Two encapsulations are supported:
//! frames of 33 bytes that begin with the four bits 1101 (`.gsm`, RFC 3551), and blocks of 65 bytes with two frames in
//! reversed bit order (WAV format 0x31). Any bits are a valid frame, so only the encapsulation can be damaged.

mod arithmetic;
mod parameters;
mod synthesis;

use symphonia::core::audio::{AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef, layouts};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::common::FourCc;
use symphonia::core::errors::{Result, decode_error};
use symphonia::core::packet::PacketRef;

use self::parameters::{FrameParameters, unpack_block, unpack_frame};
use self::synthesis::Synthesis;
use super::fixed_frames::FrameShape;

/// Codec id for frames of 33 bytes.
pub(super) const CODEC_GSM: AudioCodecId = AudioCodecId::new(FourCc::new(*b"gsm "));
/// Codec id for blocks of 65 bytes with two frames.
pub(super) const CODEC_GSM_MS: AudioCodecId = AudioCodecId::new(FourCc::new(*b"gsms"));

/// Bytes per frame, including its four leading bits.
pub(super) const FRAME_BYTES: u32 = 33;
/// Bytes per block of two frames.
pub(super) const BLOCK_BYTES: u32 = 65;
/// Samples per frame (20 ms).
pub(super) const FRAME_SAMPLES: u32 = 160;
/// Sample rate of the standard, in Hz.
pub(super) const RATE: u32 = 8_000;

/// The leading four bits of a frame, in the upper half of its first byte.
const MARK: u8 = 0xD0;

/// Maximum frames inspected to identify a file without other evidence, and the minimum for a decision, since each
/// proves only four bits.
const INSPECTED_FRAMES: usize = 64;
const REQUIRED_FRAMES: usize = 6;

/// One frame per packet, so that a damaged one costs 20 ms.
pub(super) const FRAMES: FrameShape =
    FrameShape { codec: CODEC_GSM, rate: RATE, channels: 1, bytes: FRAME_BYTES, samples: FRAME_SAMPLES, at_once: 1 };

/// True if the first bytes of a file are GSM frames: each begins with the mark, and few other bytes look like it.
/// Without the second condition, silence in A-law (0xD5) would be taken for GSM.
pub(super) fn is_stream(head: &[u8]) -> bool {
    let marked = |byte: &u8| byte & 0xF0 == MARK;
    let frames = head.chunks_exact(FRAME_BYTES as usize).take(INSPECTED_FRAMES);
    let count = frames.len();
    let others = frames.clone().map(|frame| frame[1..].iter().filter(|byte| marked(byte)).count()).sum::<usize>();
    count >= REQUIRED_FRAMES && frames.clone().all(|frame| marked(&frame[0])) && others < count * (FRAME_BYTES as usize - 1) / 4
}

/// The decoder, as symphonia's codec registry expects it.
pub(super) struct GsmDecoder {
    parameters: AudioCodecParameters,
    synthesis: Synthesis,
    decoded: AudioBuffer<i16>,
}

impl GsmDecoder {
    fn frames(&self, data: &[u8]) -> Option<Vec<FrameParameters>> {
        let mut frames = Vec::new();
        if self.parameters.codec == CODEC_GSM {
            for frame in data.as_chunks().0 {
                frames.push(unpack_frame(frame)?);
            }
        } else {
            data.as_chunks().0.iter().for_each(|block| frames.extend(unpack_block(block)));
        }
        Some(frames)
    }
}

impl AudioDecoder for GsmDecoder {
    fn reset(&mut self) {
        self.synthesis = Synthesis::default();
    }

    fn codec_info(&self) -> &CodecInfo {
        let own = usize::from(self.parameters.codec == CODEC_GSM_MS);
        &SUPPORTED[own].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.parameters
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.decoded.clear();
        let Some(frames) = self.frames(packet.data) else { return decode_error("gsm: a frame without its mark") };
        let samples: Vec<i16> = frames.iter().flat_map(|frame| self.synthesis.frame(frame)).collect();
        self.decoded.resize_with_silence(samples.len());
        self.decoded.copy_from_slice_interleaved(&samples);
        Ok(self.decoded.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.decoded.as_generic_audio_buffer_ref()
    }
}

static SUPPORTED: [SupportedAudioCodec; 2] = [
    SupportedAudioCodec { id: CODEC_GSM, info: CodecInfo { short_name: "gsm", long_name: "GSM full rate", profiles: &[] } },
    SupportedAudioCodec {
        id: CODEC_GSM_MS,
        info: CodecInfo { short_name: "gsm_ms", long_name: "GSM full rate in blocks", profiles: &[] },
    },
];

impl RegisterableAudioDecoder for GsmDecoder {
    fn try_registry_new(parameters: &AudioCodecParameters, _: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
        let spec = AudioSpec::new(parameters.sample_rate.unwrap_or(RATE), layouts::CHANNEL_LAYOUT_MONO);
        let decoded = AudioBuffer::new(spec, 2 * FRAME_SAMPLES as usize);
        Ok(Box::new(Self { parameters: parameters.clone(), synthesis: Synthesis::default(), decoded }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &SUPPORTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_distinguished_from_silence_in_a_law() {
        let mut frames = Vec::new();
        for index in 0..20_usize {
            frames.push(0xD3);
            frames.extend((0..32).map(|byte| (index * 37 + byte * 101) as u8));
        }
        assert!(is_stream(&frames));
        assert!(!is_stream(&[0xD5; 2_000]));
        assert!(!is_stream(&frames[..100]));
        frames[33] = 0x13;
        assert!(!is_stream(&frames));
    }
}
