//! The 76 parameters of a frame (clause 1.7, table 1.1), read from its bits.

/// The parameters of a quarter of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Quarter {
    /// How far back the voice repeats itself, in samples.
    pub(super) lag: u8,
    /// How strongly.
    pub(super) gain: u8,
    /// Where the pulses begin.
    pub(super) grid: u8,
    /// The height of the largest pulse.
    pub(super) height: u8,
    /// The pulses, in units of that height.
    pub(super) pulses: [u8; 13],
}

/// The parameters of a frame of 20 ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FrameParameters {
    /// The logarithmic area ratios, which shape the spectrum.
    pub(super) ratios: [u8; 8],
    pub(super) quarters: [Quarter; 4],
}

/// Bits of each ratio.
const RATIO_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];

/// Reads a frame of 33 bytes, the high bit of each first; `None` without its mark.
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

/// Reads a block of 65 bytes, the low bit of each first: two frames, the second of which begins in the middle of a byte.
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

/// The parameters in their order; both wrappings have the same.
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
        // The upper half of the byte in the middle is the first ratio of the second frame, its low bits.
        block[32] = 0x0F;
        block[33] = 0xFC;
        let second = FrameParameters { ratios: [0, 63, 31, 31, 15, 15, 7, 7], ..full };
        assert_eq!(unpack_block(&block), [full, second]);
    }
}
