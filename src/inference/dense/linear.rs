//! A matrix product with a bias, for every frame.

use rten_gemm::{BiasVector, GemmError, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::{Layout, NdTensorView};

pub(super) struct Linear {
    weights: PackedBMatrix<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    /// `weights` has a row for each output; `None` if it has no inputs or outputs.
    pub(super) fn new(gemm: &GemmExecutor, weights: &[f32], bias: Vec<f32>) -> Option<Self> {
        let inputs = weights.len().checked_div(bias.len())?;
        if inputs == 0 || inputs * bias.len() != weights.len() {
            return None;
        }
        let matrix = NdTensorView::from_data([bias.len(), inputs], weights);
        Some(Self { weights: gemm.prepack_b(matrix.transposed()), bias, inputs })
    }

    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Rows of `inputs` values to rows of `outputs` values.
    pub(super) fn run(&self, gemm: &GemmExecutor, rows: &[f32], output: &mut [f32]) -> Result<(), GemmError> {
        let rows = NdTensorView::from_data([rows.len() / self.inputs, self.inputs], rows);
        let options = GemmOptions { bias: Some(BiasVector::Row(&self.bias)), ..GemmOptions::default() };
        debug_assert_eq!(rows.size(0) * self.bias.len(), output.len());
        gemm.gemm(output, GemmInputA::Unpacked(rows), GemmInputB::Packed(&self.weights), options)
    }
}
