//! Writes ONNX files: graphs of this program's own making.
//!
//! Only what such graphs need: float32 and int64 constants, nodes with whole numbers as attributes, named inputs and
//! outputs, and what the file says of itself. The order of what is added is the order in the file, so the same graph is the
//! same file.
//!
//! Sources: onnx.proto3 (the numbers of the fields) and the Protocol Buffers encoding guide (how they are written).

/// Version of the file format, and of the operations; what runtimes of the last years read.
const FORMAT: u64 = 8;
const OPERATIONS: u64 = 13;
/// Numbers of `TensorProto.DataType`.
const FLOAT32: u64 = 1;
const INT64: u64 = 7;
/// Numbers of `AttributeProto.AttributeType`.
const ONE_NUMBER: u64 = 2;
const NUMBERS: u64 = 7;

/// A size of an input or output.
#[derive(Clone, Copy)]
pub(super) enum Size {
    Fixed(usize),
    Free(&'static str),
}

/// An attribute of a node.
#[derive(Clone, Copy)]
pub(super) enum Attribute<'a> {
    Number(&'static str, usize),
    Numbers(&'static str, &'a [usize]),
}

/// A graph as it is being put together.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<u8>,
    constants: Vec<u8>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    properties: Vec<u8>,
}

impl Graph {
    /// Adds an operation.
    pub(super) fn node(&mut self, operation: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute<'_>]) {
        let mut node = Vec::new();
        for input in inputs {
            bytes(&mut node, 1, input.as_bytes());
        }
        for output in outputs {
            bytes(&mut node, 2, output.as_bytes());
        }
        bytes(&mut node, 4, operation.as_bytes());
        for attribute in attributes {
            bytes(&mut node, 5, &attribute_message(*attribute));
        }
        bytes(&mut self.nodes, 1, &node);
    }

    /// Adds a constant of float32.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) {
        let raw: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(name, shape, FLOAT32, &raw);
    }

    /// Adds a constant row of int64.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len()], INT64, &raw);
    }

    fn constant(&mut self, name: &str, shape: &[usize], data_type: u64, raw: &[u8]) {
        let mut tensor = Vec::with_capacity(raw.len() + 64);
        for size in shape {
            number(&mut tensor, 1, *size as u64);
        }
        number(&mut tensor, 2, data_type);
        bytes(&mut tensor, 8, name.as_bytes());
        bytes(&mut tensor, 9, raw);
        bytes(&mut self.constants, 5, &tensor);
    }

    /// Names an input.
    pub(super) fn input(&mut self, name: &str, shape: &[Size]) {
        bytes(&mut self.inputs, 11, &port_message(name, shape));
    }

    /// Names an output.
    pub(super) fn output(&mut self, name: &str, shape: &[Size]) {
        bytes(&mut self.outputs, 12, &port_message(name, shape));
    }

    /// Says something about the file.
    pub(super) fn property(&mut self, key: &str, value: &str) {
        let mut entry = Vec::new();
        bytes(&mut entry, 1, key.as_bytes());
        bytes(&mut entry, 2, value.as_bytes());
        bytes(&mut self.properties, 14, &entry);
    }

    /// The whole file.
    pub(super) fn into_file(self, name: &str) -> Vec<u8> {
        let mut graph = self.nodes;
        bytes(&mut graph, 2, name.as_bytes());
        graph.extend(self.constants);
        graph.extend(self.inputs);
        graph.extend(self.outputs);
        let mut operations = Vec::new();
        number(&mut operations, 2, OPERATIONS);
        let mut model = Vec::with_capacity(graph.len() + self.properties.len() + 64);
        number(&mut model, 1, FORMAT);
        bytes(&mut model, 2, b"callannotate");
        bytes(&mut model, 7, &graph);
        bytes(&mut model, 8, &operations);
        model.extend(self.properties);
        model
    }
}

fn attribute_message(attribute: Attribute<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    match attribute {
        Attribute::Number(name, value) => {
            bytes(&mut message, 1, name.as_bytes());
            number(&mut message, 3, value as u64);
            number(&mut message, 20, ONE_NUMBER);
        }
        Attribute::Numbers(name, values) => {
            bytes(&mut message, 1, name.as_bytes());
            for value in values {
                number(&mut message, 8, *value as u64);
            }
            number(&mut message, 20, NUMBERS);
        }
    }
    message
}

fn port_message(name: &str, shape: &[Size]) -> Vec<u8> {
    let mut sizes = Vec::new();
    for size in shape {
        let mut dimension = Vec::new();
        match size {
            Size::Fixed(size) => number(&mut dimension, 1, *size as u64),
            Size::Free(name) => bytes(&mut dimension, 2, name.as_bytes()),
        }
        bytes(&mut sizes, 1, &dimension);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, FLOAT32);
    bytes(&mut tensor, 2, &sizes);
    let mut kind = Vec::new();
    bytes(&mut kind, 1, &tensor);
    let mut port = Vec::new();
    bytes(&mut port, 1, name.as_bytes());
    bytes(&mut port, 2, &kind);
    port
}

/// A field that is a whole number.
fn number(message: &mut Vec<u8>, field: u64, value: u64) {
    varint(message, field << 3);
    varint(message, value);
}

/// A field that is a text, bytes or another message.
fn bytes(message: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(message, field << 3 | 2);
    varint(message, value.len() as u64);
    message.extend_from_slice(value);
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        let written = |value| {
            let mut message = Vec::new();
            varint(&mut message, value);
            message
        };
        assert_eq!(written(0), [0]);
        assert_eq!(written(127), [127]);
        assert_eq!(written(300), [0xac, 0x02]);
        assert_eq!(written(u64::MAX).len(), 10);
    }

    #[test]
    fn a_node_is_written_field_by_field() {
        let mut graph = Graph::default();
        graph.node("Abs", &["a"], &["b"], &[Attribute::Numbers("axes", &[1])]);
        let attribute = [&[0x0a, 4][..], b"axes", &[0x40, 1, 0xa0, 1, 7]].concat();
        let node = [&[0x0a, 1, b'a', 0x12, 1, b'b', 0x22, 3][..], b"Abs", &[0x2a, attribute.len() as u8], &attribute].concat();
        assert_eq!(graph.nodes, [&[0x0a, node.len() as u8][..], &node].concat());
    }
}
