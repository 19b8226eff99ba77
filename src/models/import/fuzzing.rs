//! Entry point of the fuzz target for PyTorch checkpoints; compiled only for fuzzing.

use std::io::Cursor;

use super::checkpoint::Checkpoint;
use super::onnx::Graph;
use super::{campplus, pickle, segmentation};

/// Reads any bytes as a checkpoint, and as the pickle of one, and looks for both networks in it.
pub fn checkpoint(bytes: &[u8]) {
    let _tensors_or_a_reason = pickle::tensors(bytes);
    let open = || Checkpoint::open(Cursor::new(bytes), bytes.len() as u64);
    if let Ok(mut checkpoint) = open() {
        let _graph_or_a_reason = segmentation::graph(Graph::default(), &mut checkpoint);
    }
    if let Ok(mut checkpoint) = open() {
        let _graph_or_a_reason = campplus::graph(&mut checkpoint);
    }
}
