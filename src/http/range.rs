//! The `Range` header of a request for a part of a file (RFC 9110, section 14).

use super::error::ApiError;

/// The start and the length of the requested part, in bytes (RFC 9110, section 14.1.2). `None` asks for the whole file: the
/// standard allows that answer for several parts at once, other units and malformed values.
///
/// # Errors
/// When the part begins behind the end of the file.
pub(crate) fn range(text: &str, size: u64) -> Result<Option<(u64, u64)>, ApiError> {
    let Some((unit, set)) = text.split_once('=') else { return Ok(None) };
    let Some((first, last)) = set.trim().split_once('-') else { return Ok(None) };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Ok(None);
    }
    let (start, end) = match (position(first), position(last)) {
        (Some(start), Some(end)) if start <= end => (start, end),
        (Some(start), None) if last.is_empty() => (start, u64::MAX),
        // The last `length` bytes; of a shorter file all.
        (None, Some(length)) if first.is_empty() => (if length == 0 { size } else { size.saturating_sub(length) }, u64::MAX),
        (Some(_) | None, Some(_) | None) => return Ok(None),
    };
    if start >= size {
        return Err(ApiError::RangeNotSatisfiable { size });
    }
    Ok(Some((start, end.min(size - 1) - start + 1)))
}

/// A position in the file; `u64::MAX` for numbers that are larger.
fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_part_is_found_and_anything_else_is_the_whole() {
        assert_eq!(range("bytes=0-9", 100).unwrap(), Some((0, 10)));
        assert_eq!(range("bytes=90-", 100).unwrap(), Some((90, 10)));
        assert_eq!(range("bytes=-10", 100).unwrap(), Some((90, 10)));
        assert_eq!(range("bytes=0-999", 100).unwrap(), Some((0, 100)));
        assert_eq!(range("bytes=-999", 100).unwrap(), Some((0, 100)));
        assert_eq!(range("Bytes=0-99999999999999999999999", 100).unwrap(), Some((0, 100)));
        for whole in
            ["bytes=0-1,5-6", "bytes=0-5,2-9", "bytes=5-1", "lines=1-2", "nonsense", "bytes=", "bytes=-", "bytes=+1-2", ""]
        {
            assert_eq!(range(whole, 100).unwrap(), None, "{whole}");
        }
        for beyond in ["bytes=100-", "bytes=200-300", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert!(matches!(range(beyond, 100), Err(ApiError::RangeNotSatisfiable { size: 100 })), "{beyond}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_recording(text in "(bytes=)?[0-9,-]{0,40}", size in 1u64..1_000_000) {
            if let Ok(Some((start, length))) = range(&text, size) {
                prop_assert!(length >= 1 && start + length <= size);
            }
        }
    }
}
