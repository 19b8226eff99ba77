//! A reader of ggml files that shares no code with the writer.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

pub struct Tensor {
    pub sizes: Vec<u32>,
    pub type_code: u32,
    pub data: Vec<u8>,
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8]) -> u32 {
    u32::from_le_bytes(take(rest, 4).try_into().unwrap())
}

/// A ggml file: header, tokens, tensors.
pub fn read_ggml(path: &Path) -> (Vec<u32>, Vec<Vec<u8>>, HashMap<String, Tensor>) {
    let bytes = fs::read(path).unwrap();
    let mut rest = bytes.as_slice();
    let header: Vec<u32> = (0..14).map(|_| number(&mut rest)).collect();
    take(&mut rest, (header[12] * header[13] * 4) as usize);
    let tokens = (0..number(&mut rest))
        .map(|_| {
            let length = number(&mut rest) as usize;
            take(&mut rest, length).to_vec()
        })
        .collect();
    let mut tensors = HashMap::new();
    while !rest.is_empty() {
        let (rank, length, type_code) = (number(&mut rest), number(&mut rest), number(&mut rest));
        let sizes: Vec<u32> = (0..rank).map(|_| number(&mut rest)).collect();
        let name = String::from_utf8(take(&mut rest, length as usize).to_vec()).unwrap();
        let count = sizes.iter().product::<u32>() as usize;
        let size = match type_code {
            0 => count * 4,
            1 => count * 2,
            8 => count / 32 * 34,
            other => panic!("type {other}"),
        };
        let data = take(&mut rest, size).to_vec();
        assert!(tensors.insert(name, Tensor { sizes, type_code, data }).is_none());
    }
    (header, tokens, tensors)
}

/// The values of a tensor, from any of the three types.
pub fn values(tensor: &Tensor) -> Vec<f32> {
    let half = |bytes: &[u8]| {
        let half = u16::from_le_bytes(bytes.try_into().unwrap());
        let magnitude = f32::from(half & 0x3ff) / 1024.0;
        let exponent = i32::from((half >> 10) & 0x1f);
        let value = if exponent == 0 { magnitude * 2_f32.powi(-14) } else { (1.0 + magnitude) * 2_f32.powi(exponent - 15) };
        if half & 0x8000 == 0 { value } else { -value }
    };
    match tensor.type_code {
        0 => tensor.data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect(),
        1 => tensor.data.chunks_exact(2).map(half).collect(),
        _ => {
            let block = |block: &[u8]| {
                let scale = half(&block[..2]);
                block[2..].iter().map(move |&byte| scale * f32::from(byte.cast_signed())).collect::<Vec<_>>()
            };
            tensor.data.chunks_exact(34).flat_map(block).collect()
        }
    }
}
