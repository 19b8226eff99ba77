//! The arithmetic of the standard (clause 5.1): 16-bit integers with saturation.

pub(super) const fn add(a: i16, b: i16) -> i16 {
    a.saturating_add(b)
}

pub(super) const fn sub(a: i16, b: i16) -> i16 {
    a.saturating_sub(b)
}

/// The rounded product of two 15-bit fractions.
pub(super) const fn mult_r(a: i16, b: i16) -> i16 {
    let product = (a as i32 * b as i32 + 16_384) >> 15;
    // Only -1 times -1 overflows.
    if product > i16::MAX as i32 { i16::MAX } else { product as i16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_hold() {
        assert_eq!(add(i16::MAX, 1), i16::MAX);
        assert_eq!(sub(i16::MIN, 1), i16::MIN);
        assert_eq!(mult_r(i16::MIN, i16::MIN), i16::MAX);
        assert_eq!((mult_r(16_384, 3), mult_r(16_384, -3)), (2, -1));
    }
}
