//! What an ONNX file consists of: its operations, by name, and its constants.
//!
//! The runtime does not show a graph's inside, so code that needs to know how a network is built reads it here, with the
//! runtime's own parser (`rten-onnx`): what that cannot read, the runtime could not load either. Only files that
//! [`super::wellformed`] accepts are parsed, since the parser trusts the lengths in a file. Anything odd in the graph gives no
//! outline instead of an error: the network is then run as a whole.

use std::collections::HashMap;

use rten_onnx::onnx::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto};

use super::{permitted, wellformed};

/// The graph of a file, as far as it is needed here.
pub(super) struct Outline<'a> {
    /// In the order of the file: each node comes after the nodes whose outputs it takes.
    pub(super) nodes: Vec<Node<'a>>,
    /// The constants by name.
    pub(super) constants: HashMap<&'a str, Constant<'a>>,
    /// The names of the inputs that are not constants.
    pub(super) inputs: Vec<&'a str>,
}

/// One operation of a graph.
pub(super) struct Node<'a> {
    pub(super) operation: &'a str,
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    attributes: &'a [AttributeProto],
}

impl Node<'_> {
    /// The whole numbers of an attribute, one or several; none when the node does not have it.
    pub(super) fn integers(&self, name: &str) -> Option<&[i64]> {
        let attribute = self.attributes.iter().rfind(|attribute| attribute.name.as_deref() == Some(name))?;
        Some(attribute.i.as_ref().map_or(&attribute.ints, std::slice::from_ref))
    }

    /// The number of an attribute.
    pub(super) fn float(&self, name: &str) -> Option<f32> {
        self.attributes.iter().rfind(|attribute| attribute.name.as_deref() == Some(name))?.f
    }
}

/// A constant tensor of the file.
pub(super) struct Constant<'a> {
    pub(super) shape: Vec<usize>,
    tensor: &'a TensorProto,
}

impl Constant<'_> {
    /// The values, when they are float32 and as many as the shape says.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        let count = self.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
        let raw = self.tensor.raw_data.as_ref().map(|raw| raw.borrow()).filter(|raw| !raw.is_empty());
        let values: Vec<f32> = match raw {
            Some(raw) => {
                let (numbers, rest) = raw.as_chunks::<4>();
                rest.is_empty().then(|| numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())?
            }
            None => self.tensor.float_data.clone(),
        };
        (self.tensor.data_type == Some(DataType::FLOAT) && values.len() == count).then_some(values)
    }
}

/// The graph of a model that the runtime may see.
///
/// # Errors
/// The reason, in a few words, why it is refused.
pub(super) fn parse(bytes: &[u8]) -> Result<GraphProto, String> {
    wellformed::check(bytes)?;
    let model = ModelProto::parse_buf(bytes).map_err(|error| error.to_string())?;
    let graph = model.graph.ok_or("it has no graph")?;
    permitted::check(&graph)?;
    Ok(graph)
}

/// The outline of a graph; none when a node or constant of it lacks its name or has impossible sizes.
pub(super) fn outline(graph: &GraphProto) -> Option<Outline<'_>> {
    let nodes = graph.node.iter().map(node_of).collect::<Option<_>>()?;
    let constants = graph.initializer.iter().map(constant_of).collect::<Option<HashMap<_, _>>>()?;
    let inputs = graph.input.iter().filter_map(|input| input.name.as_deref()).filter(|name| !constants.contains_key(name));
    Some(Outline { nodes, inputs: inputs.collect(), constants })
}

fn node_of(node: &NodeProto) -> Option<Node<'_>> {
    Some(Node {
        operation: node.op_type.as_deref()?,
        inputs: node.input.iter().map(String::as_str).collect(),
        outputs: node.output.iter().map(String::as_str).collect(),
        attributes: &node.attribute,
    })
}

fn constant_of(tensor: &TensorProto) -> Option<(&str, Constant<'_>)> {
    let shape = tensor.dims.iter().map(|size| usize::try_from(*size)).collect::<Result<_, _>>().ok()?;
    Some((tensor.name.as_deref()?, Constant { shape, tensor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_read_as_its_operations_and_constants() {
        let model = include_bytes!("../../assets/voiceprint-stats-lda48.onnx");
        let graph = parse(model).unwrap();
        let outline = outline(&graph).unwrap();
        assert_eq!(outline.inputs, ["mfcc"]);
        assert_eq!(outline.nodes.last().unwrap().outputs, ["embedding"]);
        let matrix = outline.constants.values().find(|constant| constant.shape.last() == Some(&48)).unwrap();
        assert_eq!(matrix.floats().unwrap().len(), matrix.shape.iter().product::<usize>());
        assert!(parse(&model[..100]).is_err());
    }
}
