//! Finds the trunk of a network in its graph: the convolutions from the features to where they are pooled over time.
//!
//! Taken are the networks of the ResNet kind: convolutions of 3x3 and 1x1 with their batch normalisation folded in, sums, and
//! what keeps positive values only. Whatever else is in between is no trunk, and the network is run as a whole.

use std::collections::HashMap;

use super::super::outline::{Node, Outline};

/// One convolution and what is done to its sums, as one step.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) add: Option<usize>,
    pub(super) positive: bool,
    /// Index of the node of the convolution.
    pub(super) node: usize,
}

/// The trunk of a graph.
pub(super) struct Plan<'a> {
    /// In the order in which they can be run; value 0 is the input.
    pub(super) steps: Vec<Step>,
    pub(super) values: usize,
    /// The value that is pooled.
    pub(super) end: &'a str,
}

/// Reads a graph as steps; none when it is not such a network.
pub(super) fn plan<'a>(outline: &Outline<'a>) -> Option<Plan<'a>> {
    let [input] = outline.inputs[..] else { return None };
    let uses = |name: &str| outline.nodes.iter().filter(|node| node.inputs.contains(&name)).count();
    let user = |name: &str| outline.nodes.iter().find(|node| node.inputs.contains(&name));
    // The features become a plane of one channel.
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
            // Pooling may take the last plane several times, and nothing else.
            if takes.iter().any(|name| *end.get_or_insert(*name) != *name) {
                return None;
            }
            continue;
        }
        let mut step = Step { input: known[first], output: known.len(), add: None, positive: false, node: index };
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
        if let Some(positive) = follows(output).filter(|next| next.operation == "Relu") {
            step.positive = true;
            output = positive.outputs.first()?;
            fused.push(output);
        }
        known.insert(output, step.output);
        steps.push(step);
    }
    let end = end?;
    let last = steps.last()?;
    (known.get(end) == Some(&last.output)).then_some(Plan { values: known.len(), steps, end })
}

/// The value in which all statistics of one voice stand in a row: the first that a matrix with so many rows or columns is
/// multiplied with.
pub(super) fn pooled<'a>(outline: &Outline<'a>, statistics: usize) -> Option<&'a str> {
    let linear = |node: &&Node<'a>| {
        let weights = node.inputs.get(1).and_then(|name| outline.constants.get(name));
        matches!(node.operation, "Gemm" | "MatMul") && weights.is_some_and(|weights| weights.shape.contains(&statistics))
    };
    outline.nodes.iter().find(linear)?.inputs.first().copied()
}
