//! One operation of a graph with its attributes, and how the rules in [`super::operations`] read both.

use rten_onnx::onnx::{AttributeProto, DataType, TensorProto};

use super::value::Known;

/// One operation; values are numbers of [`super::Sizes`].
#[derive(Debug)]
pub(super) struct Step {
    pub(super) operation: String,
    pub(super) rule: Rule,
    /// `None` where an optional input is left out.
    pub(super) inputs: Vec<Option<usize>>,
    pub(super) outputs: Vec<Option<usize>>,
    pub(super) attributes: Vec<Attribute>,
}

/// Derives the outputs of an operation from its inputs.
pub(super) type Rule = fn(&Call<'_>) -> Result<Outcome, String>;

/// The part of an attribute that sizes depend on.
#[derive(Debug)]
pub(super) struct Attribute {
    name: String,
    numbers: Vec<i64>,
    text: Option<String>,
    tensor: Option<Known>,
}

/// The attributes that sizes depend on, by what they hold. The runtime takes a number for a missing list and the other way
/// round, or its own default, so they must be what they are meant to be.
const NUMBERS: [&str; 12] = [
    "allowzero",
    "axis",
    "ceil_mode",
    "end",
    "keepdims",
    "layout",
    "noop_with_empty_axes",
    "num_outputs",
    "start",
    "to",
    "transA",
    "transB",
];
const LISTS: [&str; 9] = ["axes", "dilations", "ends", "kernel_shape", "pads", "perm", "split", "starts", "strides"];

impl Attribute {
    pub(super) fn of(attribute: &AttributeProto) -> Result<Self, String> {
        let name = attribute.name.clone().unwrap_or_default();
        let is_odd = match name.as_str() {
            name if NUMBERS.contains(&name) => attribute.i.is_none(),
            name if LISTS.contains(&name) => attribute.ints.is_empty(),
            "auto_pad" => attribute.s.is_none(),
            "value" => attribute.t.is_none(),
            _ => false,
        };
        if is_odd {
            return Err(format!("its attribute {name} has a value of another kind"));
        }
        Ok(Self {
            name,
            numbers: attribute.i.map_or_else(|| attribute.ints.clone(), |number| vec![number]),
            text: attribute.s.clone(),
            tensor: attribute.t.as_ref().map(constant).transpose()?,
        })
    }
}

/// What an operation computes.
pub(super) struct Outcome {
    pub(super) outputs: Vec<Known>,
    /// Multiplications, or elements where there are none.
    pub(super) work: u64,
    /// Elements that it needs besides its outputs while it runs.
    pub(super) scratch: u64,
}

impl From<Known> for Outcome {
    fn from(output: Known) -> Self {
        Self::several(vec![output])
    }
}

impl Outcome {
    pub(super) fn several(outputs: Vec<Known>) -> Self {
        let work = outputs.iter().fold(0, |sum: u64, output| sum.saturating_add(output.elements()));
        Self { outputs, work, scratch: 0 }
    }
}

/// An operation with what is known about its inputs.
pub(super) struct Call<'a> {
    pub(super) step: &'a Step,
    pub(super) inputs: Vec<Option<&'a Known>>,
}

impl<'a> Call<'a> {
    /// An input that may be left out.
    pub(super) fn optional(&self, index: usize) -> Option<&'a Known> {
        self.inputs.get(index).copied().flatten()
    }

    pub(super) fn input(&self, index: usize) -> Result<&'a Known, String> {
        self.optional(index).ok_or_else(|| format!("it lacks input {index}"))
    }

    /// The numbers of an input on which a size depends.
    pub(super) fn numbers(&self, index: usize) -> Result<&'a [i64], String> {
        self.input(index)?.numbers.as_deref().ok_or_else(|| "a size in it depends on what is recorded".to_owned())
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.step.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The numbers of an attribute; none if the node does not have it.
    pub(super) fn list(&self, name: &str) -> Option<&'a [i64]> {
        Some(&self.attribute(name)?.numbers)
    }

    pub(super) fn number(&self, name: &str, default: i64) -> i64 {
        self.list(name).and_then(<[i64]>::first).copied().unwrap_or(default)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.attribute(name)?.text.as_deref()
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&'a Known> {
        self.attribute(name)?.tensor.as_ref()
    }

    /// What older versions of an operation have as an attribute and newer ones as an input; none if it has neither.
    pub(super) fn list_or_input(&self, name: &str, index: usize) -> Result<Option<&'a [i64]>, String> {
        match (self.list(name), self.optional(index)) {
            (Some(_), Some(_)) => Err(format!("it has {name} twice")),
            (Some(list), None) => Ok(Some(list)),
            (None, Some(_)) => self.numbers(index).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// What is known about a constant.
///
/// # Errors
/// When its sizes are impossible.
pub(super) fn constant(tensor: &TensorProto) -> Result<Known, String> {
    let shape: Vec<usize> = tensor
        .dims
        .iter()
        .map(|size| usize::try_from(*size))
        .collect::<Result<_, _>>()
        .map_err(|_| "a negative size".to_owned())?;
    let known = Known::of(shape)?;
    if known.elements() > 1024 {
        return Ok(known);
    }
    let raw = tensor.raw_data.as_ref().map(|raw| raw.borrow());
    let raw = raw.as_ref().map(|raw| raw.as_slice());
    let clamped = |number: i64| number.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    let numbers = match tensor.data_type {
        // As the runtime does it: its numbers have 32 bits.
        Some(DataType::INT64) => Some(match raw {
            Some(raw) => raw.as_chunks::<8>().0.iter().map(|bytes| clamped(i64::from_le_bytes(*bytes))).collect(),
            None => tensor.int64_data.iter().map(|number| clamped(*number)).collect(),
        }),
        Some(DataType::INT32) => Some(match raw {
            Some(raw) => raw.as_chunks::<4>().0.iter().map(|bytes| i64::from(i32::from_le_bytes(*bytes))).collect(),
            None => tensor.int32_data.iter().map(|number| i64::from(*number)).collect(),
        }),
        Some(DataType::BOOL) => Some(match raw {
            Some(raw) => raw.iter().map(|byte| i64::from(*byte != 0)).collect(),
            None => tensor.int32_data.iter().map(|number| i64::from(*number != 0)).collect(),
        }),
        _ => None,
    };
    Ok(known.with(numbers))
}
