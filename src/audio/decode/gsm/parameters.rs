//! Unpacks the 76 parameters of a frame (clause 1.7, table 1.1).

/// Parameters of a quarter of a frame (a subframe of 5 ms).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Quarter {
    /// Pitch lag of the long-term prediction, in samples.
    pub(super) lag: u8,
    /// Code of the long-term prediction gain.
    pub(super) gain: u8,
    /// Position of the first pulse.
    pub(super) grid: u8,
    /// Code of the largest pulse's amplitude.
    pub(super) height: u8,
    /// Pulses relative to the largest amplitude.
    pub(super) pulses: [u8; 13],
}

/// Parameters of a 20 ms frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FrameParameters {
    /// Codes of the log area ratios, which describe the spectral envelope.
    pub(super) ratios: [u8; 8],
    pub(super) quarters: [Quarter; 4],
}

/// Bits of each ratio.
const RATIO_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];

/// Unpacks a frame of 33 bytes, most significant bit first; `None` without the leading mark.
pub(super) fn unpack_frame(bytes: &[u8; 33]) -> Option<FrameParameters> {
    let mut at = 0_usize;
    let mut take = |count: u32| {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | bytes[at / 8] >> (7 - at % 8) & 1;
            at += 1;
        }
        value
    };
    (take(4) == 0b1101).then(|| read(&mut take))
}

/// Unpacks a block of 65 bytes, least significant bit first: two frames, the second beginning in the middle of a byte.
pub(super) fn unpack_block(bytes: &[u8; 65]) -> [FrameParameters; 2] {
    let mut at = 0_usize;
    let mut take = |count: u32| {
        let mut value = 0;
        for bit in 0..count {
            value |= (bytes[at / 8] >> (at % 8) & 1) << bit;
            at += 1;
        }
        value
    };
    [read(&mut take), read(&mut take)]
}

/// Reads the parameters in their order, which both encapsulations share.
fn read(take: &mut impl FnMut(u32) -> u8) -> FrameParameters {
    let ratios = RATIO_BITS.map(&mut *take);
    let quarters = std::array::from_fn(|_| Quarter {
        lag: take(7),
        gain: take(2),
        grid: take(2),
        height: take(6),
        pulses: std::array::from_fn(|_| take(3)),
    });
    FrameParameters { ratios, quarters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_wrappings_hold_all_bits() {
        let full = FrameParameters {
            ratios: [63, 63, 31, 31, 15, 15, 7, 7],
            quarters: [Quarter { lag: 127, gain: 3, grid: 3, height: 63, pulses: [7; 13] }; 4],
        };
        let mut frame = [0xFF; 33];
        assert_eq!(unpack_frame(&frame), None);
        frame[0] = 0xDF;
        assert_eq!(unpack_frame(&frame), Some(full));
        let mut block = [0xFF; 65];
        // The upper half of the middle byte holds the low bits of the second frame's first ratio.
        block[32] = 0x0F;
        block[33] = 0xFC;
        let second = FrameParameters { ratios: [0, 63, 31, 31, 15, 15, 7, 7], ..full };
        assert_eq!(unpack_block(&block), [full, second]);
    }
}
