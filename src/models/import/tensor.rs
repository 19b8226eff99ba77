//! Converts the numbers of one tensor from the source's type to the target's, in chunks.
//!
//! Memory use stays at a few hundred kilobytes, whatever the tensor's size. The q8_0 blocks are those of ggml's
//! `quantize_row_q8_0_ref` (ggml-quants.c): 32 numbers share a binary16 scale d = max|x| / 127, and each is x / d rounded
//! half away from zero. Implemented here because only the transcriber may call into whisper.cpp; a golden file in the tests
//! makes sure that both agree byte for byte.

use std::io::{Read, Seek, SeekFrom, Write};

use half::f16;

use super::ctranslate2::Element;
use super::error::ImportError;
use super::layout::Stretch;

/// The numbers in a block of q8_0.
const BLOCK: usize = 32;
/// The numbers that are converted at once: whole blocks.
const CHUNK: usize = 1024 * BLOCK;

/// The number type that a tensor is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Float32,
    Float16,
    Quantized8,
}

impl Encoding {
    /// ggml's number for the type (`enum ggml_type`).
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Float32 => 0,
            Self::Float16 => 1,
            Self::Quantized8 => 8,
        }
    }
}

/// Why a tensor could not be converted.
#[derive(Debug)]
pub(super) enum ConvertError {
    /// The source cannot be read, or has a number that is not finite or too large.
    Source(ImportError),
    /// The target cannot be written.
    Write(std::io::Error),
}

/// Reads a run of numbers and writes them in `encoding`.
pub(super) fn convert(
    source: &mut (impl Read + Seek),
    stretch: Stretch,
    encoding: Encoding,
    target: &mut impl Write,
) -> Result<(), ConvertError> {
    let mut encoded = Vec::new();
    for_each_chunk(source, stretch, |numbers| {
        encoded.clear();
        match encoding {
            Encoding::Float32 => encoded.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
            Encoding::Float16 => {
                let halves = numbers.iter().map(|&number| f16::from_f32(number));
                if halves.clone().any(f16::is_infinite) {
                    return Err(not_finite());
                }
                encoded.extend(halves.flat_map(f16::to_le_bytes));
            }
            Encoding::Quantized8 => numbers.chunks_exact(BLOCK).for_each(|block| quantize(block, &mut encoded)),
        }
        target.write_all(&encoded).map_err(ConvertError::Write)
    })
}

/// Whether all numbers of the run are zero.
pub(super) fn is_zero(source: &mut (impl Read + Seek), stretch: Stretch) -> Result<bool, ConvertError> {
    let mut zero = true;
    for_each_chunk(source, stretch, |numbers| {
        zero &= numbers.iter().all(|&number| number == 0.0);
        Ok(())
    })?;
    Ok(zero)
}

fn not_finite() -> ConvertError {
    ConvertError::Source(ImportError::Damaged("a weight is not a finite number, or too large for 16 bits".to_owned()))
}

fn for_each_chunk(
    source: &mut (impl Read + Seek),
    stretch: Stretch,
    mut take: impl FnMut(&[f32]) -> Result<(), ConvertError>,
) -> Result<(), ConvertError> {
    let read_failed = |error| ConvertError::Source(ImportError::from_read(error));
    source.seek(SeekFrom::Start(stretch.offset)).map_err(read_failed)?;
    let width = stretch.element.width() as usize;
    let mut bytes = vec![0; CHUNK * width];
    let mut numbers = Vec::with_capacity(CHUNK);
    let mut left = stretch.count;
    while left > 0 {
        let count = left.min(CHUNK as u64);
        let bytes = &mut bytes[..count as usize * width];
        source.read_exact(bytes).map_err(read_failed)?;
        numbers.clear();
        match stretch.element {
            Element::Float16 => {
                let halves = bytes.as_chunks::<2>().0;
                numbers.extend(halves.iter().map(|&half| f16::from_le_bytes(half).to_f32()));
            }
            Element::Float32 => numbers.extend(bytes.as_chunks::<4>().0.iter().map(|&number| f32::from_le_bytes(number))),
            Element::Int8 | Element::Int16 | Element::Int32 | Element::BFloat16 => {
                let name = stretch.element.name();
                return Err(ConvertError::Source(ImportError::Unsupported(format!("its weights are {name}"))));
            }
        }
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(not_finite());
        }
        take(&numbers)?;
        left -= count;
    }
    Ok(())
}

fn quantize(block: &[f32], encoded: &mut Vec<u8>) {
    let largest = block.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    encoded.extend(f16::from_f32(scale).to_le_bytes());
    encoded.extend(block.iter().map(|number| ((number * inverse).round() as i8).cast_unsigned()));
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn stretch(count: usize) -> Stretch {
        Stretch { offset: 0, element: Element::Float32, count: count as u64 }
    }

    fn source(numbers: &[f32]) -> Cursor<Vec<u8>> {
        Cursor::new(numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    fn converted(numbers: &[f32], encoding: Encoding) -> Vec<u8> {
        let mut target = Vec::new();
        convert(&mut source(numbers), stretch(numbers.len()), encoding, &mut target).unwrap();
        target
    }

    #[test]
    fn a_block_is_its_scale_and_32_rounded_numbers() {
        let mut block = [0.0_f32; BLOCK];
        block[0] = -127.0;
        block[1] = 0.5;
        block[2] = -0.5;
        block[3] = 1.49;
        let bytes = converted(&block, Encoding::Quantized8);
        assert_eq!(bytes.len(), 34);
        assert_eq!(bytes[..2], 0x3c00_u16.to_le_bytes());
        assert_eq!(bytes[2..7], [-127_i8, 1, -1, 1, 0].map(i8::cast_unsigned));
        assert_eq!(converted(&[0.0; BLOCK], Encoding::Quantized8), [0; 34]);
    }

    /// Like ggml's `ggml_compute_fp32_to_fp16`, so that an imported model is identical to one from whisper.cpp's own tools.
    #[test]
    fn halves_are_rounded_to_nearest_and_ties_to_even() {
        let converted = |number: f32| converted(&[number], Encoding::Float16);
        for (number, bits) in [(1.0, 0x3c00_u16), (65504.0, 0x7bff), (65519.9, 0x7bff), (1e-10, 0), (-0.0, 0x8000)] {
            assert_eq!(converted(number), bits.to_le_bytes(), "{number}");
        }
        for half in [0_u16, 1, 2, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x7bfe] {
            let middle = f32::midpoint(f16::from_bits(half).to_f32(), f16::from_bits(half + 1).to_f32());
            assert_eq!(converted(middle), (half + half % 2).to_le_bytes(), "{middle}");
            assert_eq!(converted(middle.next_down()), half.to_le_bytes(), "{middle}");
            assert_eq!(converted(middle.next_up()), (half + 1).to_le_bytes(), "{middle}");
        }
    }

    #[test]
    fn the_seam_between_two_chunks_does_not_show() {
        let numbers: Vec<f32> = (0..CHUNK + BLOCK).map(|index| index as f32).collect();
        let bytes = converted(&numbers, Encoding::Float32);
        assert_eq!(bytes, source(&numbers).into_inner());
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_in_every_encoding() {
        for bad in [f32::NAN, f32::INFINITY] {
            for encoding in [Encoding::Float32, Encoding::Float16, Encoding::Quantized8] {
                assert!(convert(&mut source(&[bad; BLOCK]), stretch(BLOCK), encoding, &mut Vec::new()).is_err());
            }
        }
        assert!(convert(&mut source(&[1e6]), stretch(1), Encoding::Float16, &mut Vec::new()).is_err());
    }

    #[test]
    fn only_a_run_of_zeros_is_zero() {
        assert!(is_zero(&mut source(&[0.0, -0.0]), stretch(2)).unwrap());
        assert!(!is_zero(&mut source(&[0.0, 1e-20]), stretch(2)).unwrap());
    }
}
