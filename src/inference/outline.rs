//! What an ONNX file consists of: its operations, by name, and its constants.
//!
//! The runtime does not show a graph's inside; who wants to know how a network is built reads it here. Only what such
//! questions need is read, and only from files that [`super::wellformed`] accepts; anything odd is no answer.
//!
//! Source: onnx.proto3 (the numbers of the fields).

use std::collections::HashMap;

use super::wellformed::{is_model, varint};

/// `TensorProto.DataType` of float32.
const FLOAT32: u64 = 1;

/// The graph of a file.
pub(super) struct Outline<'a> {
    /// In the order of the file, in which each comes after what it needs.
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) constants: HashMap<&'a str, Constant<'a>>,
    /// The inputs that are no constants.
    pub(super) inputs: Vec<&'a str>,
}

/// One operation.
#[derive(Default)]
pub(super) struct Node<'a> {
    pub(super) operation: &'a str,
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    integers: HashMap<&'a str, Vec<i64>>,
}

impl Node<'_> {
    /// The whole numbers of an attribute; none when it is not there.
    pub(super) fn integers(&self, name: &str) -> Option<&[i64]> {
        self.integers.get(name).map(Vec::as_slice)
    }
}

/// A tensor of the file.
#[derive(Default)]
pub(super) struct Constant<'a> {
    pub(super) shape: Vec<usize>,
    data_type: u64,
    raw: &'a [u8],
    packed_floats: &'a [u8],
}

impl Constant<'_> {
    /// Its values, when they are float32 and as many as its shape says.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        let bytes = if self.raw.is_empty() { self.packed_floats } else { self.raw };
        let count = self.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
        let fits = self.data_type == FLOAT32 && Some(bytes.len()) == count.checked_mul(4);
        fits.then(|| bytes.chunks_exact(4).map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]])).collect())
    }
}

/// The graph, when the bytes are a model.
pub(super) fn outline(bytes: &[u8]) -> Option<Outline<'_>> {
    if !is_model(bytes) {
        return None;
    }
    let graph = fields(bytes).find_map(|(field, value)| if field == 7 { value.message() } else { None })?;
    let mut outline = Outline { nodes: Vec::new(), constants: HashMap::new(), inputs: Vec::new() };
    for (field, value) in fields(graph) {
        match (field, value.message()) {
            (1, Some(node)) => outline.nodes.push(node_of(node)?),
            (5, Some(tensor)) => {
                let (name, constant) = constant_of(tensor)?;
                outline.constants.insert(name, constant);
            }
            (11, Some(input)) => outline.inputs.extend(text_field(input, 1)),
            _ => {}
        }
    }
    outline.inputs.retain(|input| !outline.constants.contains_key(input));
    Some(outline)
}

fn node_of(bytes: &[u8]) -> Option<Node<'_>> {
    let mut node = Node::default();
    for (field, value) in fields(bytes) {
        match (field, value.message()) {
            (1, Some(name)) => node.inputs.push(std::str::from_utf8(name).ok()?),
            (2, Some(name)) => node.outputs.push(std::str::from_utf8(name).ok()?),
            (4, Some(name)) => node.operation = std::str::from_utf8(name).ok()?,
            (5, Some(attribute)) => {
                let numbers =
                    fields(attribute).flat_map(|(field, value)| if matches!(field, 3 | 8) { value.numbers() } else { vec![] });
                node.integers.insert(text_field(attribute, 1)?, numbers.collect());
            }
            _ => {}
        }
    }
    Some(node)
}

fn constant_of(bytes: &[u8]) -> Option<(&str, Constant<'_>)> {
    let mut constant = Constant::default();
    for (field, value) in fields(bytes) {
        match (field, value) {
            (1, value) => {
                let sizes = value.numbers().into_iter().map(usize::try_from);
                constant.shape.extend(sizes.collect::<Result<Vec<_>, _>>().ok()?);
            }
            (2, Value::Number(kind)) => constant.data_type = kind,
            (4, Value::Message(floats)) => constant.packed_floats = floats,
            (9, Value::Message(raw)) => constant.raw = raw,
            _ => {}
        }
    }
    Some((text_field(bytes, 8)?, constant))
}

fn text_field(bytes: &[u8], wanted: u64) -> Option<&str> {
    let value = fields(bytes).find_map(|(field, value)| if field == wanted { value.message() } else { None })?;
    std::str::from_utf8(value).ok()
}

/// What a field holds.
#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Message(&'a [u8]),
    /// Of a fixed width, which nothing here uses.
    Other,
}

impl<'a> Value<'a> {
    fn message(self) -> Option<&'a [u8]> {
        match self {
            Self::Message(bytes) => Some(bytes),
            Self::Number(_) | Self::Other => None,
        }
    }

    /// One whole number, or several in one field.
    fn numbers(self) -> Vec<i64> {
        match self {
            Self::Number(number) => vec![number.cast_signed()],
            Self::Message(mut packed) => std::iter::from_fn(|| varint(&mut packed)).map(u64::cast_signed).collect(),
            Self::Other => Vec::new(),
        }
    }
}

/// The fields of a message that is well-formed; the first that is not ends it.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let key = varint(&mut bytes)?;
        let mut skip = |count: usize| {
            let (skipped, rest) = bytes.split_at_checked(count)?;
            bytes = rest;
            Some(skipped)
        };
        let value = match key & 7 {
            1 => skip(8).map(|_| Value::Other)?,
            5 => skip(4).map(|_| Value::Other)?,
            0 => Value::Number(varint(&mut bytes)?),
            _ => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (inside, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Value::Message(inside)
            }
        };
        Some((key >> 3, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_read_as_its_operations_and_constants() {
        let model = include_bytes!("../../assets/voiceprint-stats-lda48.onnx");
        let outline = outline(model).unwrap();
        assert_eq!(outline.inputs, ["mfcc"]);
        assert_eq!(outline.nodes.last().unwrap().outputs, ["embedding"]);
        let matrix = outline.constants.values().find(|constant| constant.shape.last() == Some(&48)).unwrap();
        assert_eq!(matrix.floats().unwrap().len(), matrix.shape.iter().product::<usize>());
        assert!(super::outline(&model[..100]).is_none());
    }
}
