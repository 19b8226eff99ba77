//! The order of the gates in an LSTM, which PyTorch and ONNX do not share. Every network with such layers is reordered here, since a
//! wrong order gives a model that runs and is wrong.

/// PyTorch's gates (i, f, g, o) in ONNX's order: input, output, forget, cell.
const GATES: [usize; 4] = [0, 3, 1, 2];

/// The rows of the four gates in ONNX's order. The count of numbers is a multiple of four.
pub(super) fn in_order_of_onnx(values: &[f32]) -> Vec<f32> {
    let gate = values.len() / GATES.len();
    GATES.iter().flat_map(|order| values[order * gate..(order + 1) * gate].iter().copied()).collect()
}
