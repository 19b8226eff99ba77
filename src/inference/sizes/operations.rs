//! The operations that models may use, and how large the results of each are.
//!
//! This is the list of what is allowed: those of the supported models and of the usual exporters of such networks. What is not
//! here is refused: control flow (a loop may never end), and operations whose results are as large as the recording says.
//!
//! Source: the operators of ONNX (onnx.ai/onnx/operators), opsets 9 to 21, as far as the runtime has them.

use super::layout;
use super::network;
use super::step::{Call, Outcome, Rule};
use super::value::{Known, broadcast};

/// The rule of an operation; none if it is not allowed.
pub(super) fn rule(operation: &str) -> Option<Rule> {
    Some(match operation {
        "Abs"
        | "BatchNormalization"
        | "Ceil"
        | "Clip"
        | "Cos"
        | "CumSum"
        | "DequantizeLinear"
        | "Dropout"
        | "Elu"
        | "Erf"
        | "Exp"
        | "Floor"
        | "Gelu"
        | "HardSigmoid"
        | "HardSwish"
        | "Identity"
        | "InstanceNormalization"
        | "LayerNormalization"
        | "LeakyRelu"
        | "Log"
        | "LogSoftmax"
        | "LpNormalization"
        | "Neg"
        | "Not"
        | "PRelu"
        | "QuantizeLinear"
        | "Reciprocal"
        | "Relu"
        | "Round"
        | "Sigmoid"
        | "Sign"
        | "Sin"
        | "Softmax"
        | "Softplus"
        | "Softsign"
        | "Sqrt"
        | "Swish"
        | "Tanh"
        | "Trilu" => same,
        "Cast" => cast,
        "Add" | "And" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Max" | "Mean" | "Min"
        | "Mod" | "Mul" | "Or" | "Pow" | "Sub" | "Sum" | "Where" | "Xor" => elementwise,
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean" | "ReduceMin"
        | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => reduce,
        "ArgMax" | "ArgMin" => arg,
        "DynamicQuantizeLinear" => dynamic_quantize,
        "MatMul" | "MatMulInteger" => network::matmul,
        "Gemm" => network::gemm,
        "Conv" | "ConvInteger" => network::convolution,
        "AveragePool" | "MaxPool" => network::pool,
        "GlobalAveragePool" | "GlobalMaxPool" => network::global_pool,
        "LSTM" => network::lstm,
        "GRU" => network::gru,
        "Transpose" => layout::transpose,
        "Reshape" => layout::reshape,
        "Flatten" => layout::flatten,
        "Squeeze" => layout::squeeze,
        "Unsqueeze" => layout::unsqueeze,
        "Concat" => layout::concat,
        "Split" => layout::split,
        "Slice" => layout::slice,
        "Gather" => layout::gather,
        "Expand" => layout::expand,
        "Tile" => layout::tile,
        "Pad" => layout::pad,
        "Shape" => layout::shape,
        "Size" => layout::count,
        "ConstantOfShape" => layout::constant_of_shape,
        "Range" => layout::range,
        _ => return None,
    })
}

/// One output like the first input.
fn same(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let numbers = if call.step.operation == "Identity" { input.numbers.clone() } else { None };
    Ok(Known::of(input.shape.clone())?.with(numbers).into())
}

/// Numbers stay known among the types that are stored as 32 bits.
fn cast(call: &Call<'_>) -> Result<Outcome, String> {
    const BOOL: i64 = 9;
    const WHOLE: [i64; 2] = [6, 7];
    let input = call.input(0)?;
    let numbers = match call.number("to", 0) {
        BOOL => input.numbers.as_ref().map(|numbers| numbers.iter().map(|number| i64::from(*number != 0)).collect()),
        to if WHOLE.contains(&to) => input.numbers.clone(),
        _ => None,
    };
    Ok(Known::of(input.shape.clone())?.with(numbers).into())
}

fn elementwise(call: &Call<'_>) -> Result<Outcome, String> {
    let inputs: Vec<&Known> = (0..call.inputs.len().max(1)).map(|index| call.input(index)).collect::<Result<_, _>>()?;
    let shape = inputs.iter().try_fold(Vec::new(), |shape, input| broadcast(&shape, &input.shape))?;
    let output = Known::of(shape)?;
    let numbers = numbers_of(&call.step.operation, &inputs, &output);
    Ok(output.with(numbers).into())
}

/// The numbers of a result whose inputs' numbers are all known; each input is as long as the result, or has one number.
fn numbers_of(operation: &str, inputs: &[&Known], output: &Known) -> Option<Vec<i64>> {
    if output.rank() > 1 {
        return None;
    }
    let length = usize::try_from(output.elements()).ok()?;
    let at = |input: &Known, place: usize| {
        let numbers = input.numbers.as_ref()?;
        numbers.get(if numbers.len() == 1 { 0 } else { place }).copied()
    };
    (0..length)
        .map(|place| {
            let one = at(inputs.first()?, place)?;
            let other = at(inputs.get(1)?, place)?;
            match operation {
                "Where" if inputs.len() == 3 => {
                    let otherwise = at(inputs[2], place)?;
                    Some(if one == 0 { otherwise } else { other })
                }
                _ if inputs.len() != 2 => None,
                "Add" => one.checked_add(other),
                "Sub" => one.checked_sub(other),
                "Mul" => one.checked_mul(other),
                "Div" => one.checked_div(other),
                "Mod" if one >= 0 && other > 0 => one.checked_rem(other),
                "Max" => Some(one.max(other)),
                "Min" => Some(one.min(other)),
                "Equal" => Some(i64::from(one == other)),
                "Greater" => Some(i64::from(one > other)),
                "GreaterOrEqual" => Some(i64::from(one >= other)),
                "Less" => Some(i64::from(one < other)),
                "LessOrEqual" => Some(i64::from(one <= other)),
                _ => None,
            }
        })
        .collect()
}

fn reduce(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axes = call.list_or_input("axes", 1)?.unwrap_or_default();
    let axes: Vec<usize> = axes.iter().map(|axis| input.axis(*axis)).collect::<Result<_, _>>()?;
    if axes.is_empty() && call.number("noop_with_empty_axes", 0) != 0 {
        return Ok(Known::of(input.shape.clone())?.into());
    }
    let is_reduced = |axis: usize| axes.is_empty() || axes.contains(&axis);
    let output = Known::of(reduced(input, is_reduced, call.number("keepdims", 1) != 0))?;
    let numbers = match (&input.numbers, call.step.operation.as_str()) {
        (Some(numbers), "ReduceProd") if output.elements() == 1 => {
            numbers.iter().try_fold(1_i64, |product, number| product.checked_mul(*number)).map(|product| vec![product])
        }
        _ => None,
    };
    Ok(Outcome { work: input.elements(), ..Outcome::from(output.with(numbers)) })
}

fn reduced(input: &Known, is_reduced: impl Fn(usize) -> bool, keeps: bool) -> Vec<usize> {
    let sizes = input.shape.iter().enumerate();
    sizes.filter_map(|(axis, size)| if is_reduced(axis) { keeps.then_some(1) } else { Some(*size) }).collect()
}

fn arg(call: &Call<'_>) -> Result<Outcome, String> {
    let input = call.input(0)?;
    let axis = input.axis(call.number("axis", 0))?;
    let output = Known::of(reduced(input, |place| place == axis, call.number("keepdims", 1) != 0))?;
    Ok(Outcome { work: input.elements(), ..Outcome::from(output) })
}

/// The quantized input, its scale, and its zero point.
fn dynamic_quantize(call: &Call<'_>) -> Result<Outcome, String> {
    let quantized = Known::of(call.input(0)?.shape.clone())?;
    Ok(Outcome::several(vec![quantized, Known::of(Vec::new())?, Known::of(Vec::new())?]))
}
