//! Writes small ONNX files, also such as no exporter would.
//!
//! Messages are made of their fields, so that a test can write anything. Source: onnx.proto3 (the numbers of the fields).

/// A field of a message: its key, and what follows.
pub fn field(number: u64, inside: &[u8]) -> Vec<u8> {
    let mut bytes = varint(number << 3 | 2);
    bytes.extend(varint(inside.len() as u64));
    bytes.extend_from_slice(inside);
    bytes
}

/// A field that is a number.
pub fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A node with whole attributes, as [`attribute`] makes them.
pub fn node(operation: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let names = |number, names: &[&str]| names.iter().flat_map(|name| field(number, name.as_bytes())).collect::<Vec<u8>>();
    let attributes: Vec<u8> = attributes.iter().flat_map(|attribute| field(5, attribute)).collect();
    field(1, &[names(1, inputs), names(2, outputs), field(4, operation.as_bytes()), attributes].concat())
}

/// An attribute of whole numbers.
pub fn attribute(name: &str, values: &[i64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|value| number(8, *value)).collect();
    [field(1, name.as_bytes()), values, number(20, 7)].concat()
}

/// An attribute that is a whole number.
pub fn single(name: &str, value: i64) -> Vec<u8> {
    [field(1, name.as_bytes()), number(3, value), number(20, 2)].concat()
}

/// A constant of int64 numbers in one dimension.
pub fn integers(name: &str, values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    field(5, &[number(1, i64::try_from(values.len()).unwrap()), number(2, 7), field(8, name.as_bytes()), field(9, &raw)].concat())
}

/// A value with its sizes; free ones are none.
fn value(name: &str, sizes: &[Option<i64>]) -> Vec<u8> {
    let size = |size: &Option<i64>| field(1, &size.map_or_else(|| field(2, b"N"), |size| number(1, size)));
    let shape: Vec<u8> = sizes.iter().flat_map(size).collect();
    [field(1, name.as_bytes()), field(2, &field(1, &[number(1, 1), field(2, &shape)].concat()))].concat()
}

/// A speaker model of the kind `mfcc40-wq` from these parts of its graph.
pub fn speaker(parts: &[Vec<u8>]) -> Vec<u8> {
    let input = field(11, &value("mfcc", &[None, None, Some(40)]));
    let output = field(12, &value("embedding", &[None, Some(48)]));
    let graph = [&parts.concat()[..], &field(2, b"g"), &input, &output].concat();
    [number(1, 8), field(7, &graph), field(8, &number(2, 13))].concat()
}
