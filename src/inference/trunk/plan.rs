//! Finds the trunk of a network in its graph: the convolutions from the features to the pooling over time.
//!
//! Supports networks of the ResNet family: 3x3 and 1x1 convolutions with folded batch normalisation, residual sums and
//! ReLU. If anything else comes between, there is no trunk and the network runs as a whole.

use std::collections::HashMap;

use super::super::outline::{Node, Outline};

/// A convolution with a fused sum and ReLU.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) add: Option<usize>,
    pub(super) relu: bool,
    /// Index of the convolution's node in the outline.
    pub(super) node: usize,
}

/// The steps that compute a graph's trunk.
pub(super) struct Plan<'a> {
    /// In an order in which they can run; value 0 is the input.
    pub(super) steps: Vec<Step>,
    pub(super) values: usize,
    /// Name of the value that is pooled.
    pub(super) end: &'a str,
}

/// Reads a graph as steps; `None` if it is not a supported network.
pub(super) fn plan<'a>(outline: &Outline<'a>) -> Option<Plan<'a>> {
    let [input] = outline.inputs[..] else { return None };
    let uses = |name: &str| outline.nodes.iter().filter(|node| node.inputs.contains(&name)).count();
    let user = |name: &str| outline.nodes.iter().find(|node| node.inputs.contains(&name));
    // The features become a map with one channel.
    let mut image = input;
    while let Some(node) = user(image).filter(|node| matches!(node.operation, "Transpose" | "Unsqueeze") && uses(image) == 1) {
        image = node.outputs.first()?;
    }
    let mut known = HashMap::from([(image, 0)]);
    let mut steps: Vec<Step> = Vec::new();
    let mut fused: Vec<&str> = Vec::new();
    let mut end = None;
    for (index, node) in outline.nodes.iter().enumerate() {
        let takes: Vec<&str> = node.inputs.iter().copied().filter(|name| known.contains_key(name)).collect();
        let Some(first) = takes.first().copied() else { continue };
        if node.outputs.first().is_some_and(|output| fused.contains(output)) {
            continue;
        }
        if node.operation != "Conv" {
            // The pooling may use the last map several times, but no other.
            if takes.iter().any(|name| *end.get_or_insert(*name) != *name) {
                return None;
            }
            continue;
        }
        let mut step = Step { input: known[first], output: known.len(), add: None, relu: false, node: index };
        let mut output: &str = node.outputs.first()?;
        let follows = |output: &str| user(output).filter(|_| uses(output) == 1);
        if let Some(sum) = follows(output).filter(|next| next.operation == "Add") {
            let other = sum.inputs.iter().find(|name| **name != output)?;
            if let Some(other) = known.get(other) {
                step.add = Some(*other);
                output = sum.outputs.first()?;
                fused.push(output);
            }
        }
        if let Some(relu) = follows(output).filter(|next| next.operation == "Relu") {
            step.relu = true;
            output = relu.outputs.first()?;
            fused.push(output);
        }
        known.insert(output, step.output);
        steps.push(step);
    }
    let end = end?;
    let last = steps.last()?;
    (known.get(end) == Some(&last.output)).then_some(Plan { values: known.len(), steps, end })
}

/// Name of the value that holds one speaker's statistics: the first that is multiplied by a matrix with this many rows
/// or columns.
pub(super) fn pooled<'a>(outline: &Outline<'a>, statistics: usize) -> Option<&'a str> {
    let linear = |node: &&Node<'a>| {
        let weights = node.inputs.get(1).and_then(|name| outline.constants.get(name));
        matches!(node.operation, "Gemm" | "MatMul") && weights.is_some_and(|weights| weights.shape.contains(&statistics))
    };
    outline.nodes.iter().find(linear)?.inputs.first().copied()
}
