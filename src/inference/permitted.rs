//! Which graphs the runtime gets to see: those of known operations, in order, without chains that are too deep for it.
//!
//! The runtime plans a run by recursion along the chain of operations, compares all outputs with each other, and searches lists
//! for each operation: so these are bounded. Where a graph could be read in two ways, it is refused, because the sizes that are
//! derived here would then not be those of the runtime.

use std::collections::{HashMap, HashSet};

use rten_onnx::onnx::{AttributeProto, GraphProto, NodeProto, ValueInfoProto};

use super::sizes;

/// Operations, constants not counted. The largest supported network has 2,300.
const MAX_NODES: usize = 16_384;
/// Operations that follow from each other: the runtime calls itself once for each, on a stack of 2 MiB.
const MAX_CHAIN: u32 = 4096;
/// Inputs and outputs of the graph.
const MAX_PORTS: usize = 64;
/// Inputs and outputs of one operation.
const MAX_NODE_PORTS: usize = 1024;

/// Checks a graph.
///
/// # Errors
/// The reason, in a few words, why it is refused.
pub(super) fn check(graph: &GraphProto) -> Result<(), String> {
    if graph.node.iter().filter(|node| !is_constant(node)).count() > MAX_NODES {
        return Err(format!("it has more than {MAX_NODES} operations"));
    }
    if graph.input.len() > MAX_PORTS + graph.initializer.len() || graph.output.len() > MAX_PORTS {
        return Err(format!("it has more than {MAX_PORTS} inputs or outputs"));
    }
    // The length of the longest chain of operations to each value.
    let mut chains: HashMap<&str, u32> = HashMap::new();
    let initializers = graph.initializer.iter().map(|tensor| tensor.name.as_deref().unwrap_or_default());
    let constants = graph.node.iter().filter(|node| is_constant(node)).flat_map(|node| node.output.iter().map(String::as_str));
    for name in initializers.chain(constants) {
        if name.is_empty() || chains.insert(name, 0).is_some() {
            return Err("a constant has no name, or that of another one".to_owned());
        }
    }
    // An input may be a constant as well: its default.
    let mut inputs = HashSet::new();
    for name in graph.input.iter().map(name_of) {
        if name.is_empty() || !inputs.insert(name) {
            return Err("an input has no name, or that of another one".to_owned());
        }
        chains.entry(name).or_insert(0);
    }
    for node in &graph.node {
        check_attributes(node)?;
        if is_constant(node) {
            continue;
        }
        let operation = node.op_type.as_deref().unwrap_or_default();
        let is_standard = matches!(node.domain.as_deref(), None | Some("" | "ai.onnx"));
        if !is_standard || !sizes::is_allowed(operation) {
            return Err(format!("the operation {} is not one that models may use", printable(operation)));
        }
        if node.input.len() > MAX_NODE_PORTS || node.output.len() > MAX_NODE_PORTS {
            return Err(format!("an operation has more than {MAX_NODE_PORTS} inputs or outputs"));
        }
        let mut chain = 0;
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            let before = chains.get(input.as_str());
            chain = chain.max(*before.ok_or_else(|| format!("{} comes before what it takes", printable(operation)))?);
        }
        chain += 1;
        if chain > MAX_CHAIN {
            return Err(format!("more than {MAX_CHAIN} operations follow from each other"));
        }
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            if chains.insert(output, chain).is_some() {
                return Err("two values have the same name".to_owned());
            }
        }
    }
    let mut outputs = HashSet::new();
    if graph.output.iter().map(name_of).any(|name| !chains.contains_key(name) || !outputs.insert(name)) {
        return Err("an output is computed by nothing, or is there twice".to_owned());
    }
    Ok(())
}

/// Whether the runtime may rearrange the graph, which it does on the strength of what the graph declares. Not where shapes are
/// computed with and a declaration could be wrong: of an output that is used within the graph, or of sizes with equal names.
pub(super) fn may_be_rearranged(graph: &GraphProto) -> bool {
    let uses_shapes = graph.node.iter().any(|node| matches!(node.op_type.as_deref(), Some("Shape" | "Size")));
    let outputs: HashSet<&str> = graph.output.iter().map(name_of).collect();
    let uses_output = graph.node.iter().flat_map(|node| &node.input).any(|input| outputs.contains(input.as_str()));
    let mut named = HashSet::new();
    let is_repeated =
        graph.input.iter().filter_map(|input| input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()).any(|shape| {
            shape
                .dim
                .iter()
                .filter_map(|size| size.dim_param.as_deref())
                .any(|name| name.starts_with("unnamed_") || !named.insert(name))
        });
    !uses_shapes || !(uses_output || is_repeated)
}

/// Each attribute has a name of its own and one kind of value.
fn check_attributes(node: &NodeProto) -> Result<(), String> {
    let kinds = |attribute: &AttributeProto| {
        usize::from(attribute.f.is_some())
            + usize::from(attribute.i.is_some())
            + usize::from(attribute.s.is_some())
            + usize::from(attribute.t.is_some())
            + usize::from(!attribute.floats.is_empty())
            + usize::from(!attribute.ints.is_empty())
            + usize::from(!attribute.strings.is_empty())
    };
    if is_constant(node) && (node.attribute.len() != 1 || node.output.len() != 1) {
        return Err("a constant has not one value".to_owned());
    }
    let names: HashSet<_> = node.attribute.iter().map(|attribute| attribute.name.as_deref()).collect();
    if names.len() < node.attribute.len() || node.attribute.iter().any(|attribute| kinds(attribute) > 1) {
        return Err("an attribute is there twice".to_owned());
    }
    Ok(())
}

fn is_constant(node: &NodeProto) -> bool {
    node.op_type.as_deref() == Some("Constant")
}

fn name_of(value: &ValueInfoProto) -> &str {
    value.name.as_deref().unwrap_or_default()
}

/// A name from the file, short enough for a log line.
fn printable(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(40).collect()
}
