//! The size of the tables that a Vorbis setup header asks for.
//!
//! A codebook of 20 bytes can ask for a table of 16 MiB, and a header can have 256 of them. So they are added up before the decoder
//! builds them. Reads the codebooks of section 3.2.1 of the Vorbis I specification and nothing else.

/// Maximum bytes of all tables; those of libvorbis take less than a quarter.
const MAX_TABLES: u64 = 24 << 20;

/// Bytes before the codebooks: the identification header, and the type and signature of the setup header.
const IDENTIFICATION: usize = 30;
const SIGNATURE: &[u8] = b"\x05vorbis";

/// Bytes of the decoder's tables for one entry of a codebook, besides its values.
const ENTRY_BYTES: u64 = 32;

/// True if the tables of a decoder with these headers are no larger than any recording needs. A header that makes no sense is left
/// to the decoder, which reads it in the same order.
pub(super) fn is_bounded(headers: &[u8]) -> bool {
    let Some(setup) = headers.get(IDENTIFICATION..).and_then(|setup| setup.strip_prefix(SIGNATURE)) else { return true };
    let mut bits = Bits { bytes: setup, at: 0 };
    let Some(count) = bits.take(8) else { return true };
    let mut bytes = 0_u64;
    for _ in 0..=count {
        let Some(book) = codebook(&mut bits) else { return true };
        bytes = bytes.saturating_add(book);
        if bytes > MAX_TABLES {
            return false;
        }
    }
    true
}

/// Bytes of the tables for the next codebook.
fn codebook(bits: &mut Bits<'_>) -> Option<u64> {
    let _signature = bits.take(24)?;
    let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
    // The decoder refuses more.
    if dimensions == 0 || dimensions > 32 || entries > 128 * 1024 {
        return None;
    }
    let used = if bits.take(1)? == 1 { ordered(bits, entries)? } else { listed(bits, entries)? };
    let values = match bits.take(4)? {
        0 => 0,
        kind @ (1 | 2) => {
            bits.skip(64)?;
            let width = bits.take(4)? + 1;
            bits.skip(1)?;
            let values = if kind == 1 { root(entries, dimensions) } else { entries * dimensions };
            bits.skip(u64::from(values) * u64::from(width))?;
            u64::from(entries) * u64::from(dimensions)
        }
        _ => return None,
    };
    Some(u64::from(entries) * 8 + u64::from(used) * ENTRY_BYTES + values * size_of::<f32>() as u64)
}

/// Number of entries whose lengths are in ascending order.
fn ordered(bits: &mut Bits<'_>, entries: u32) -> Option<u32> {
    let _length = bits.take(5)?;
    let mut known = 0;
    while known < entries {
        known += bits.take(32 - (entries - known).leading_zeros())?;
    }
    (known == entries).then_some(entries)
}

/// Number of entries whose lengths are listed, perhaps with gaps.
fn listed(bits: &mut Bits<'_>, entries: u32) -> Option<u32> {
    if bits.take(1)? == 0 {
        bits.skip(u64::from(entries) * 5)?;
        return Some(entries);
    }
    let mut used = 0;
    for _ in 0..entries {
        if bits.take(1)? == 1 {
            bits.skip(5)?;
            used += 1;
        }
    }
    Some(used)
}

/// The largest number whose power is not above `entries`.
fn root(entries: u32, dimensions: u32) -> u32 {
    let mut root = 0_u32;
    while (root + 1).checked_pow(dimensions).is_some_and(|power| power <= entries) {
        root += 1;
    }
    root
}

/// Reads bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// A number of up to 32 bits; `None` behind the end.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut number = 0;
        for bit in 0..count {
            let byte = self.bytes.get(usize::try_from(self.at / 8).ok()?)?;
            number |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(number)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.at += count;
        (self.at <= self.bytes.len() as u64 * 8).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes bits, the lowest of each byte first.
    #[derive(Default)]
    struct Writer(Vec<bool>);

    impl Writer {
        fn put(&mut self, value: u32, count: u32) {
            self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
        }
    }

    /// A header with `books` codebooks of 131,072 entries, all of the same length, and 32 dimensions.
    fn headers(books: u32) -> Vec<u8> {
        let mut bits = Writer::default();
        bits.put(books - 1, 8);
        for _ in 0..books {
            bits.put(0x56_4342, 24);
            bits.put(32, 16);
            bits.put(128 * 1024, 24);
            bits.put(1, 1);
            bits.put(16, 5);
            bits.put(128 * 1024, 18);
            bits.put(1, 4);
            bits.put(0, 32);
            bits.put(0, 32);
            bits.put(0, 4 + 1 + 1);
        }
        [&[1; IDENTIFICATION][..], SIGNATURE, &bits.bytes()].concat()
    }

    #[test]
    fn small_codebooks_with_large_tables_are_found() {
        assert!(headers(256).len() < 6_000);
        assert!(is_bounded(&headers(1)));
        assert!(!is_bounded(&headers(2)));
        assert!(!is_bounded(&headers(256)));
    }

    #[test]
    fn nonsense_is_left_to_the_decoder() {
        assert!(is_bounded(b""));
        assert!(is_bounded(&[0xFF; 200]));
        assert!(is_bounded(&[&[1; IDENTIFICATION][..], SIGNATURE, &[0xFF; 200]].concat()));
    }
}
