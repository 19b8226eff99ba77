//! Reads the layers of a densely connected time-delay network from its graph.
//!
//! Supports the order of operations in which [`crate::models`] writes CAM++. Only the operations and the sizes of their constants
//! are compared, so a caller must compare the result with that of the whole network once.

use rten_gemm::GemmExecutor;

use super::super::narrow;
use super::super::outline::{Node, Outline};
use super::layers::{Layer, Local, Start, Transit};
use super::linear::Linear;
use super::mask::Mask;
use super::normalization::Normalization;

/// The most channels, and the longest kernel or dilation, of a layer.
const MOST_CHANNELS: usize = 4096;
const MOST_AROUND: usize = 16;

pub(super) struct Plan<'a> {
    pub(super) start: Start,
    /// The blocks, each with the layer that ends it.
    pub(super) blocks: Vec<(Vec<Layer>, Transit)>,
    /// Name of the value that holds mean and standard deviation over time.
    pub(super) statistics: &'a str,
}

/// Reads what follows the value `from`, which has `width` values per frame; `None` if it is not a supported network.
pub(super) fn plan<'a>(outline: &'a Outline<'a>, from: &str, width: usize, gemm: &GemmExecutor) -> Option<Plan<'a>> {
    let first = outline.nodes.iter().position(|node| node.operation == "Reshape" && node.inputs.first() == Some(&from))?;
    let mut reader = Reader { outline, gemm, at: first };
    reader.all(&["Reshape"])?;
    let start = reader.start(width)?;
    reader.all(&["Relu", "Shape", "Slice"])?;
    let (mut channels, mut blocks, mut layers) = (start.linear.outputs(), Vec::new(), Vec::new());
    loop {
        let normalization = reader.normalization(channels)?;
        reader.all(&["Relu"])?;
        let linear = reader.linear(channels)?;
        if reader.follows(&["Relu", "Conv"]) {
            let layer = reader.layer(normalization, linear)?;
            channels = channels.checked_add(layer.local.channels).filter(|channels| *channels <= MOST_CHANNELS)?;
            layers.push(layer);
            continue;
        }
        channels = linear.outputs();
        blocks.push((std::mem::take(&mut layers), Transit { normalization, linear }));
        if reader.follows(&["Relu"]) {
            reader.all(&["Relu", "ReduceMean", "Sub", "Mul", "ReduceMean", "Cast", "Sub", "Mul", "Div", "Sqrt"])?;
            return Some(Plan { start, blocks, statistics: reader.take("Concat")?.outputs.first()? });
        }
    }
}

/// Reads nodes one after the other.
struct Reader<'a, 'b> {
    outline: &'a Outline<'a>,
    gemm: &'b GemmExecutor,
    at: usize,
}

impl<'a> Reader<'a, '_> {
    fn follows(&self, operations: &[&str]) -> bool {
        let mut nodes = self.outline.nodes.iter().skip(self.at).map(|node| node.operation);
        operations.iter().all(|operation| nodes.next() == Some(operation))
    }

    fn take(&mut self, operation: &str) -> Option<&'a Node<'a>> {
        let node = self.outline.nodes.get(self.at).filter(|node| node.operation == operation)?;
        self.at += 1;
        Some(node)
    }

    fn all(&mut self, operations: &[&str]) -> Option<()> {
        operations.iter().try_for_each(|operation| self.take(operation).map(|_| ()))
    }

    fn constant(&self, node: &Node<'a>, input: usize) -> Option<(&'a [usize], Vec<f32>)> {
        let constant = self.outline.constants.get(node.inputs.get(input)?)?;
        Some((&constant.shape, constant.floats()?))
    }

    fn bias(&self, node: &Node<'a>, channels: usize) -> Option<Vec<f32>> {
        if node.inputs.len() < 3 {
            return Some(vec![0.0; channels]);
        }
        self.constant(node, 2).map(|(_, bias)| bias).filter(|bias| bias.len() == channels)
    }

    /// A convolution over a kernel in time, of the features to the first channels.
    fn start(&mut self, width: usize) -> Option<Start> {
        let node = self.take("Conv")?;
        let (shape, weights) = self.constant(node, 1)?;
        let [channels, inputs, size] = shape else { return None };
        let (stride, pad) = (number(node, "strides", 1)?, number(node, "pads", 0)?);
        if *inputs != width
            || *size > MOST_AROUND
            || !(1..=4).contains(&stride)
            || pad != size / 2
            || number(node, "dilations", 1)? != 1
        {
            return None;
        }
        let linear = Linear::new(self.gemm, &by_place(&weights, *inputs, *size), self.bias(node, *channels)?)?;
        Some(Start { linear, width, size: *size, stride })
    }

    fn normalization(&mut self, channels: usize) -> Option<Normalization> {
        let node = self.take("BatchNormalization")?;
        let part = |input: usize| self.constant(node, input).map(|(_, values)| values).filter(|values| values.len() == channels);
        Some(Normalization::new([&part(1)?, &part(2)?, &part(3)?, &part(4)?], node.float("epsilon")?))
    }

    fn linear(&mut self, inputs: usize) -> Option<Linear> {
        let (weights, bias) = self.matrix(inputs)?;
        Linear::new(self.gemm, &weights, bias)
    }

    /// Weights and bias of a convolution over one frame.
    fn matrix(&mut self, inputs: usize) -> Option<(Vec<f32>, Vec<f32>)> {
        let node = self.take("Conv")?;
        let (shape, weights) = self.constant(node, 1)?;
        let [channels, found, 1] = shape else { return None };
        (*found == inputs && *channels <= MOST_CHANNELS).then_some((weights, self.bias(node, *channels)?))
    }

    fn layer(&mut self, normalization: Normalization, linear: Linear) -> Option<Layer> {
        self.all(&["Relu"])?;
        let local = self.local(linear.outputs())?;
        let mask = self.mask(linear.outputs(), local.channels)?;
        self.all(&["Unsqueeze", "Expand", "Reshape", "Slice", "Mul", "Concat"])?;
        Some(Layer { normalization, linear, local, mask })
    }

    fn local(&mut self, inputs: usize) -> Option<Local> {
        let node = self.take("Conv")?;
        let (shape, weights) = self.constant(node, 1)?;
        let [channels, found, 3] = shape else { return None };
        let dilation = number(node, "dilations", 1).filter(|dilation| *dilation <= MOST_AROUND)?;
        let fits = *found == inputs && node.inputs.len() == 2 && number(node, "pads", 0)? == dilation;
        if !fits || !narrow::suits(weights.len(), *channels) {
            return None;
        }
        Some(Local { weights: transposed(&by_place(&weights, inputs, 3), *channels), channels: *channels, dilation })
    }

    fn mask(&mut self, inputs: usize, outputs: usize) -> Option<Mask> {
        self.all(&["ReduceMean"])?;
        let pool = self.take("AveragePool")?;
        let segment = number(pool, "kernel_shape", 0).filter(|length| *length > 0)?;
        if number(pool, "strides", 1)? != segment || number(pool, "ceil_mode", 0)? != 1 {
            return None;
        }
        self.all(&["Add"])?;
        let first = self.matrix(inputs)?;
        self.all(&["Relu"])?;
        let second = self.matrix(first.1.len()).filter(|(_, bias)| bias.len() == outputs)?;
        self.all(&["Sigmoid"])?;
        Some(Mask { first, second, segment })
    }
}

/// Columns as rows.
fn transposed(matrix: &[f32], rows: usize) -> Vec<f32> {
    let columns = matrix.len() / rows.max(1);
    (0..matrix.len()).map(|at| matrix[at % rows * columns + at / rows]).collect()
}

/// The first number of an attribute.
fn number(node: &Node<'_>, name: &str, default: usize) -> Option<usize> {
    node.integers(name).map_or(Some(default), |values| usize::try_from(*values.first()?).ok())
}

/// Kernels [channels, inputs, size] in the order of patches: all inputs of one place after the other.
fn by_place(kernels: &[f32], inputs: usize, size: usize) -> Vec<f32> {
    let mut sorted = Vec::with_capacity(kernels.len());
    for kernel in kernels.chunks_exact((inputs * size).max(1)) {
        for place in 0..size {
            sorted.extend((0..inputs).map(|input| kernel[input * size + place]));
        }
    }
    sorted
}
