//! Half-precision numbers as IEEE 754 binary16 bits.
//!
//! Rounds to nearest, ties to even, as the F16C instructions and ggml's `ggml_compute_fp32_to_fp16` do: an imported model is
//! to be the same, byte for byte, as one that whisper.cpp's own tools wrote. Nothing here allocates or fails.

/// 2^-14, the smallest normal binary16, as binary32 bits.
const SMALLEST_NORMAL: u32 = 113 << 23;
/// 2^16, from which on every value rounds to infinity, as binary32 bits.
const BEYOND_LARGEST: u32 = 143 << 23;
/// What the exponents' biases differ by (127 - 15), in place.
const REBIAS: u32 = 112 << 23;

/// Rounds to the nearest binary16; too large becomes infinity.
pub(super) fn f16_from_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16) & 0x8000;
    let magnitude = bits & 0x7fff_ffff;
    let half = if magnitude > 0x7f80_0000 {
        0x7e00
    } else if magnitude >= BEYOND_LARGEST {
        0x7c00
    } else if magnitude < SMALLEST_NORMAL {
        // Adding 0.5 lines the last place of the sum up with 2^-24, binary16's smallest step: the addition does the rounding.
        (f32::from_bits(magnitude) + 0.5).to_bits() - 0.5_f32.to_bits()
    } else {
        // A carry out of the fraction runs into the exponent, which is just right, up to infinity.
        let tie_to_even = (magnitude >> 13) & 1;
        (magnitude - REBIAS + 0x0fff + tie_to_even) >> 13
    };
    (sign | half) as u16
}

/// The exact value.
pub(super) fn f32_from_f16(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = (half >> 10) & 0x1f;
    let fraction = u32::from(half & 0x03ff);
    let magnitude = match exponent {
        // 2^-24 times the fraction: both are exact.
        0 => (fraction as f32 * f32::from_bits(103 << 23)).to_bits(),
        31 => 0x7f80_0000 | (fraction << 13),
        _ => (u32::from(half & 0x7fff) << 13) + REBIAS,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back_unchanged() {
        for half in 0..=u16::MAX {
            let value = f32_from_f16(half);
            if value.is_nan() {
                assert!(f32_from_f16(f16_from_f32(value)).is_nan());
            } else {
                assert_eq!(f16_from_f32(value), half, "{value}");
            }
        }
    }

    #[test]
    fn what_lies_between_two_halves_goes_to_the_nearer_and_ties_to_the_even_one() {
        for half in 0..0x7bff_u16 {
            let (low, high) = (f32_from_f16(half), f32_from_f16(half + 1));
            let middle = f32::midpoint(low, high);
            let even = if half % 2 == 0 { half } else { half + 1 };
            assert_eq!(f16_from_f32(middle), even, "{middle}");
            assert_eq!(f16_from_f32(-middle), even | 0x8000, "{middle}");
            assert_eq!(f16_from_f32(middle.next_down()), half, "{middle}");
            assert_eq!(f16_from_f32(middle.next_up()), half + 1, "{middle}");
        }
    }

    #[test]
    fn the_ends_are_known_values() {
        assert_eq!(f16_from_f32(1.0), 0x3c00);
        assert_eq!(f16_from_f32(65504.0), 0x7bff);
        assert_eq!(f16_from_f32(65519.9), 0x7bff);
        assert_eq!(f16_from_f32(65520.0), 0x7c00);
        assert_eq!(f16_from_f32(f32::INFINITY), 0x7c00);
        assert_eq!(f16_from_f32(1e-10), 0);
        assert_eq!(f32_from_f16(1).to_bits(), 103 << 23);
    }
}
