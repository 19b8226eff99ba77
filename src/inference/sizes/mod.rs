//! How large everything becomes that a model computes, found out before the runtime computes it.
//!
//! A small file can ask for any amount: one `Tile` repeats its input a thousand million times, and an allocation that fails
//! aborts the process. So the shapes of all values are derived from those of the input, operation by operation, and a model
//! that needs too much, or whose sizes depend on what is recorded, is refused: with usual input when it is loaded (the
//! runtime computes then what does not depend on the input), and with the real input before each run.

mod layout;
mod memory;
mod network;
mod operations;
mod step;
mod value;

use std::collections::HashMap;

use rten_onnx::onnx::{GraphProto, NodeProto, ValueInfoProto};

use memory::Place;
use step::{Attribute, Call, Step, constant};
use value::Known;

/// The most elements of one value: 256 MiB. The largest of a supported network has a tenth of it. When fuzzing, the bounds are so
/// low that the fuzzer's own limits show a value that the runtime makes larger than was derived.
const MAX_VALUE: u64 = if cfg!(fuzzing) { 1 << 20 } else { 1 << 26 };
/// The most elements in memory at once in a run: 1 GiB.
const MAX_AT_ONCE: u64 = if cfg!(fuzzing) { 1 << 22 } else { 1 << 28 };
/// The most multiplications of a run: about a minute of one core. Ten seconds of speech take the largest network a tenth.
const MAX_WORK: u64 = if cfg!(fuzzing) { 10_000_000 } else { 1_000_000_000_000 };
/// Sizes that a model leaves free, for the check when it is loaded: of the last dimension (samples), and of others (frames).
const USUAL_SAMPLES: usize = 16_000;
const USUAL_FRAMES: usize = 200;

/// Whether models may use an operation.
pub(super) fn is_allowed(operation: &str) -> bool {
    operations::rule(operation).is_some()
}

/// The operations of a model as far as sizes depend on them.
#[derive(Debug)]
pub(super) struct Sizes {
    /// In an order in which they can run.
    steps: Vec<Step>,
    /// The number of each value by its name.
    names: HashMap<String, usize>,
    /// What is known without input, by number.
    given: Vec<Option<Known>>,
    /// The inputs: number, and declared sizes.
    inputs: Vec<(usize, Vec<Option<usize>>)>,
    outputs: Vec<usize>,
}

impl Sizes {
    /// Reads a graph that [`super::permitted`] accepted, and checks it with usual input.
    ///
    /// # Errors
    /// The reason, in a few words, why it is refused.
    pub(super) fn of(graph: &GraphProto) -> Result<Self, String> {
        let mut sizes =
            Self { steps: Vec::new(), names: HashMap::new(), given: Vec::new(), inputs: Vec::new(), outputs: Vec::new() };
        for tensor in &graph.initializer {
            let known = constant(tensor)?;
            sizes.give(tensor.name.as_deref().unwrap_or_default(), known);
        }
        for node in graph.node.iter().filter(|node| operation(node) == "Constant") {
            let known = constant_of(node)?;
            sizes.give(node.output.first().map_or("", String::as_str), known);
        }
        for input in &graph.input {
            let name = input.name.as_deref().unwrap_or_default();
            if !sizes.names.contains_key(name) {
                let number = sizes.number(name);
                sizes.inputs.push((number, declared(input)));
            }
        }
        for node in graph.node.iter().filter(|node| operation(node) != "Constant") {
            let rule = operations::rule(operation(node)).ok_or_else(|| format!("the operation {}", operation(node)))?;
            let mut numbers =
                |names: &[String]| names.iter().map(|name| (!name.is_empty()).then(|| sizes.number(name))).collect::<Vec<_>>();
            let (inputs, outputs) = (numbers(&node.input), numbers(&node.output));
            let attributes = node.attribute.iter().map(Attribute::of).collect::<Result<_, _>>();
            let attributes = attributes.map_err(|reason| format!("{}: {reason}", operation(node)))?;
            sizes.steps.push(Step { operation: operation(node).to_owned(), rule, inputs, outputs, attributes });
        }
        sizes.outputs = graph.output.iter().map(|output| sizes.number(output.name.as_deref().unwrap_or_default())).collect();
        sizes.check_usual()?;
        Ok(sizes)
    }

    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.given.len();
        self.names.insert(name.to_owned(), number);
        self.given.push(None);
        number
    }

    fn give(&mut self, name: &str, known: Known) {
        let number = self.number(name);
        self.given[number] = Some(known);
    }

    fn check_usual(&self) -> Result<(), String> {
        let mut values = vec![None; self.given.len()];
        for (number, declared) in &self.inputs {
            let last = declared.len().saturating_sub(1);
            let usual = |(axis, size): (usize, &Option<usize>)| match (size, axis) {
                (Some(size), _) => *size,
                (None, 0) => 1,
                (None, axis) if axis == last => USUAL_SAMPLES,
                (None, _) => USUAL_FRAMES,
            };
            values[*number] = Some(Known::of(declared.iter().enumerate().map(usual).collect())?);
        }
        self.evaluate(values, &self.outputs)
    }

    /// Checks a run with input of this shape; `input` may also be an intermediate value.
    ///
    /// # Errors
    /// The reason, in a few words, why it would be too large, or cannot run at all.
    pub(super) fn check(&self, input: &str, shape: &[usize], output: &str) -> Result<(), String> {
        let number = |name: &str| self.names.get(name).copied().ok_or_else(|| format!("there is no value {name}"));
        let (from, to) = (number(input)?, number(output)?);
        if let Some((_, declared)) = self.inputs.iter().find(|(number, _)| *number == from) {
            let fits = |(size, declared): (&usize, &Option<usize>)| declared.is_none_or(|declared| declared == *size);
            if !declared.is_empty() && (declared.len() != shape.len() || !shape.iter().zip(declared).all(fits)) {
                return Err(format!("its input {input} is not of the shape {shape:?}"));
            }
        }
        let mut values = vec![None; self.given.len()];
        values[from] = Some(Known::of(shape.to_vec())?);
        self.evaluate(values, &[to])
    }

    /// Derives every value that `outputs` need from `values`, which hold the input, and from the constants.
    fn evaluate(&self, mut values: Vec<Option<Known>>, outputs: &[usize]) -> Result<(), String> {
        let needed = self.needed(&values, outputs);
        let mut places: Vec<Place> = Vec::new();
        // Which operation makes a value in the run; values that depend on no input are made once, when the model is loaded.
        let mut makers: Vec<Option<usize>> = vec![None; values.len()];
        let varies: Vec<bool> = self.varying(&values);
        let (mut fixed, mut work) = (0_u64, 0_u64);
        for step in needed.into_iter().map(|index| &self.steps[index]) {
            let place = places.len();
            let refused = |reason: String| {
                let name = step.outputs.iter().flatten().next().and_then(|number| self.name(*number)).unwrap_or_default();
                format!("{} ({name}): {reason}", step.operation)
            };
            let inputs = step.inputs.iter().map(|input| match input {
                None => Ok(None),
                Some(number) => {
                    let known = values[*number].as_ref().or(self.given[*number].as_ref());
                    known.map(Some).ok_or_else(|| "a value that it takes is not known".to_owned())
                }
            });
            let call = Call { step, inputs: inputs.collect::<Result<_, _>>().map_err(refused)? };
            let outcome = (step.rule)(&call).map_err(refused)?;
            if let Some(largest) = outcome.outputs.iter().find(|output| output.elements() > MAX_VALUE) {
                return Err(refused(format!("a value of {} elements, more than {MAX_VALUE}", largest.elements())));
            }
            work = work.saturating_add(outcome.work);
            let elements = outcome.outputs.iter().fold(outcome.scratch, |sum, output| sum.saturating_add(output.elements()));
            let in_run = step.outputs.iter().flatten().any(|output| varies[*output]);
            if in_run {
                let producers = step.inputs.iter().flatten().filter_map(|input| makers[*input]);
                let mut follows = None;
                for producer in producers {
                    let used = &mut places[producer].used;
                    *used = (used.0.min(place), used.1.max(place));
                    follows = follows.max(Some(producer));
                }
                places.push(Place { elements, used: (usize::MAX, 0), follows });
            } else {
                fixed = fixed.saturating_add(elements);
            }
            for (output, known) in step.outputs.iter().zip(outcome.outputs) {
                if let Some(number) = output {
                    values[*number] = Some(known);
                    makers[*number] = in_run.then_some(place);
                }
            }
        }
        let end = places.len();
        for producer in outputs.iter().filter_map(|output| makers[*output]) {
            places[producer].used.1 = end;
        }
        for place in &mut places {
            place.used.0 = place.used.0.min(end);
        }
        let peak = memory::peak(&places).saturating_add(fixed);
        if peak > MAX_AT_ONCE {
            return Err(format!("values of {peak} elements at once, more than {MAX_AT_ONCE}"));
        }
        if work > MAX_WORK {
            return Err(format!("{work} multiplications, more than {MAX_WORK}"));
        }
        Ok(())
    }

    /// The steps that the outputs need, in order.
    fn needed(&self, values: &[Option<Known>], outputs: &[usize]) -> Vec<usize> {
        let is_open = |number: usize| values[number].is_none() && self.given[number].is_none();
        let mut wanted = vec![false; values.len()];
        for output in outputs {
            wanted[*output] = is_open(*output);
        }
        let mut needed = Vec::new();
        for (index, step) in self.steps.iter().enumerate().rev() {
            if step.outputs.iter().flatten().any(|output| wanted[*output]) {
                needed.push(index);
                step.inputs.iter().flatten().for_each(|input| wanted[*input] |= is_open(*input));
            }
        }
        needed.reverse();
        needed
    }

    /// For each value, whether it depends on what the run is given.
    fn varying(&self, values: &[Option<Known>]) -> Vec<bool> {
        let mut varies: Vec<bool> = values.iter().map(Option::is_some).collect();
        for step in &self.steps {
            if step.inputs.iter().flatten().any(|input| varies[*input]) {
                step.outputs.iter().flatten().for_each(|output| varies[*output] = true);
            }
        }
        varies
    }

    fn name(&self, number: usize) -> Option<&str> {
        self.names.iter().find(|(_, found)| **found == number).map(|(name, _)| name.as_str())
    }
}

fn operation(node: &NodeProto) -> &str {
    node.op_type.as_deref().unwrap_or_default()
}

/// What a node of the kind `Constant` holds.
fn constant_of(node: &NodeProto) -> Result<Known, String> {
    let attribute = node.attribute.first().ok_or("a constant without a value")?;
    match attribute.name.as_deref() {
        Some("value") => constant(attribute.t.as_ref().ok_or("a constant without a value")?),
        Some("value_int") => Ok(Known::of(Vec::new())?.with(attribute.i.map(|number| vec![number]))),
        Some("value_ints") => Ok(Known::list(attribute.ints.clone())),
        Some("value_float") => Known::of(Vec::new()),
        Some("value_floats") => Known::of(vec![attribute.floats.len()]),
        _ => Err("a constant of an unknown kind".to_owned()),
    }
}

/// The declared sizes of an input; `None` where they are free.
fn declared(input: &ValueInfoProto) -> Vec<Option<usize>> {
    let shape = input.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref()).and_then(|tensor| tensor.shape.as_ref());
    let size = |value: i64| usize::try_from(value).ok();
    shape.map_or_else(Vec::new, |shape| shape.dim.iter().map(|dimension| dimension.dim_value.and_then(size)).collect())
}
