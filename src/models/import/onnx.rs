//! Writes ONNX files: graphs of this program's own making.
//!
//! The messages and their encoding are those of `rten-onnx`, the runtime's own reader. Its graph has no name, which the format
//! demands; so the two outermost messages are written here. The order in which things are added is the order in the file: the
//! same graph is always the same file, byte for byte.
//!
//! Source: onnx.proto3 (the numbers of the fields).

use std::cell::RefCell;
use std::io::{self, Write};

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};
use rten_onnx::protobuf::{EncodeMessage, MessageWriter, ProtobufError, ValueWriter, WriteValue};

/// The version of the file format, which all runtimes of the last years read.
const FORMAT: i64 = 8;
/// The version of the operator set.
const OPERATORS: i64 = 13;

/// One dimension of an input or output.
#[derive(Clone, Copy)]
pub(super) enum Size {
    Fixed(usize),
    /// Any size, under this name.
    Free(&'static str),
}

/// An attribute of a node, with its name.
#[derive(Clone, Copy)]
pub(super) enum Attribute<'a> {
    Number(&'static str, usize),
    Numbers(&'static str, &'a [usize]),
    Fraction(&'static str, f32),
    Text(&'static str, &'static str),
}

/// A graph under construction.
#[derive(Default)]
pub(super) struct Graph {
    graph: GraphProto,
    properties: Vec<StringStringEntryProto>,
}

impl Graph {
    /// Adds a node after all nodes so far.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute<'_>]) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.graph.node.push(NodeProto {
            input: names(inputs),
            output: names(outputs),
            op_type: Some(operator.to_owned()),
            attribute: attributes.iter().map(attribute_message).collect(),
            ..NodeProto::default()
        });
    }

    /// Adds a convolution. The runtime takes the number of dimensions, and so the default of each attribute, from the kernel's size.
    pub(super) fn convolution(&mut self, inputs: &[&str], output: &str, kernel: &[usize], attributes: &[Attribute<'_>]) {
        let attributes = [&[Attribute::Numbers("kernel_shape", kernel)], attributes].concat();
        self.node("Conv", inputs, &[output], &attributes);
    }

    /// Adds a constant of float32 numbers, as many as the product of `shape`.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: impl IntoIterator<Item = f32>) {
        let raw = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(name, shape, DataType::FLOAT, raw);
    }

    /// Adds a constant of int64 numbers in one dimension.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len()], DataType::INT64, raw);
    }

    fn constant(&mut self, name: &str, shape: &[usize], data_type: DataType, raw: Vec<u8>) {
        self.graph.initializer.push(TensorProto {
            dims: shape.iter().map(|size| integer(*size)).collect(),
            data_type: Some(data_type),
            name: Some(name.to_owned()),
            raw_data: Some(RefCell::new(raw)),
            ..TensorProto::default()
        });
    }

    /// Declares an input of float32 numbers.
    pub(super) fn input(&mut self, name: &str, shape: &[Size]) {
        self.graph.input.push(port_message(name, shape));
    }

    /// Declares an output of float32 numbers.
    pub(super) fn output(&mut self, name: &str, shape: &[Size]) {
        self.graph.output.push(port_message(name, shape));
    }

    /// Adds an entry to the file's metadata.
    pub(super) fn property(&mut self, key: &str, value: &str) {
        self.properties.push(StringStringEntryProto { key: Some(key.to_owned()), value: Some(value.to_owned()) });
    }

    /// Writes the whole file, with a name for the graph.
    pub(super) fn write(self, name: &str, target: &mut impl Write) -> io::Result<()> {
        let model = ModelMessage { graph: GraphMessage { name, graph: self.graph }, properties: self.properties };
        model.encode(ValueWriter::new(target)).map_err(io::Error::other)
    }
}

/// `GraphProto` with its name.
struct GraphMessage<'a> {
    name: &'a str,
    graph: GraphProto,
}

impl EncodeMessage for GraphMessage<'_> {
    fn encode_fields<W: WriteValue>(&self, fields: &mut MessageWriter<W>) -> Result<(), ProtobufError> {
        fields.write_repeated_message(1, &self.graph.node)?;
        fields.write_string(2, self.name)?;
        fields.write_repeated_message(5, &self.graph.initializer)?;
        fields.write_repeated_message(11, &self.graph.input)?;
        fields.write_repeated_message(12, &self.graph.output)
    }
}

/// `ModelProto` of such a graph.
struct ModelMessage<'a> {
    graph: GraphMessage<'a>,
    properties: Vec<StringStringEntryProto>,
}

impl EncodeMessage for ModelMessage<'_> {
    fn encode_fields<W: WriteValue>(&self, fields: &mut MessageWriter<W>) -> Result<(), ProtobufError> {
        fields.write_int64(1, FORMAT)?;
        fields.write_string(2, "callannotate")?;
        fields.write_message(7, &self.graph)?;
        fields.write_message(8, &OperatorSetIdProto { domain: None, version: Some(OPERATORS) })?;
        fields.write_repeated_message(14, &self.properties)
    }
}

fn attribute_message(attribute: &Attribute<'_>) -> AttributeProto {
    match *attribute {
        Attribute::Number(name, value) => AttributeProto {
            name: Some(name.to_owned()),
            i: Some(integer(value)),
            r#type: Some(AttributeType::INT),
            ..AttributeProto::default()
        },
        Attribute::Numbers(name, values) => AttributeProto {
            name: Some(name.to_owned()),
            ints: values.iter().map(|value| integer(*value)).collect(),
            r#type: Some(AttributeType::INTS),
            ..AttributeProto::default()
        },
        Attribute::Fraction(name, value) => AttributeProto {
            name: Some(name.to_owned()),
            f: Some(value),
            r#type: Some(AttributeType::FLOAT),
            ..AttributeProto::default()
        },
        Attribute::Text(name, value) => AttributeProto {
            name: Some(name.to_owned()),
            s: Some(value.to_owned()),
            r#type: Some(AttributeType::STRING),
            ..AttributeProto::default()
        },
    }
}

fn port_message(name: &str, shape: &[Size]) -> ValueInfoProto {
    let dimension = |size: &Size| match size {
        Size::Fixed(size) => Dimension { dim_value: Some(integer(*size)), dim_param: None },
        Size::Free(name) => Dimension { dim_value: None, dim_param: Some((*name).to_owned()) },
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dimension).collect() };
    let tensor_type = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor_type), sequence: None }) }
}

/// Sizes in memory always fit.
fn integer(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with everything that graphs are made of, byte for byte as onnx.proto3 has it.
    #[test]
    fn a_graph_is_written_field_by_field() {
        let mut graph = Graph::default();
        graph.property("key", "value");
        graph.input("a", &[Size::Free("N")]);
        graph.output("b", &[Size::Fixed(300)]);
        graph.node("Abs", &["a"], &["b"], &[Attribute::Numbers("axes", &[1, 2]), Attribute::Number("k", 3)]);
        graph.floats("f", &[1, 1], [1.0]);
        graph.integers("i", &[-1]);

        let field = |number: u8, inside: &[u8]| [&[number << 3 | 2, inside.len() as u8], inside].concat();
        let numbers = [&field(1, b"axes")[..], &[0x40, 1, 0x40, 2, 0xa0, 1, 7]].concat();
        let number = [&field(1, b"k")[..], &[0x18, 3, 0xa0, 1, 2]].concat();
        let node = [field(1, b"a"), field(2, b"b"), field(4, b"Abs"), field(5, &numbers), field(5, &number)].concat();
        let floats = [&[0x08, 1, 0x08, 1, 0x10, 1], &field(8, b"f")[..], &field(9, &1.0_f32.to_le_bytes())].concat();
        let integers = [&[0x08, 1, 0x10, 7], &field(8, b"i")[..], &field(9, &[0xff; 8])].concat();
        let port = |name: &[u8], dimension: &[u8]| {
            let tensor = [&[0x08, 1], &field(2, &field(1, dimension))[..]].concat();
            [field(1, name), field(2, &field(1, &tensor))].concat()
        };
        let inside = [
            field(1, &node),
            field(2, b"name"),
            field(5, &floats),
            field(5, &integers),
            field(11, &port(b"a", &field(2, b"N"))),
            field(12, &port(b"b", &[0x08, 0xac, 0x02])),
        ];
        let expected = [
            &[0x08, 8],
            &field(2, b"callannotate")[..],
            &field(7, &inside.concat()),
            &field(8, &[0x10, 13]),
            &field(14, &[field(1, b"key"), field(2, b"value")].concat()),
        ];
        let mut file = Vec::new();
        graph.write("name", &mut file).unwrap();
        assert_eq!(file, expected.concat());
    }
}
