//! The speaker network CAM++ as an ONNX graph (`fbank80-kaldi`, see docs/models.md).
//!
//! Two-dimensional convolutions over bands and time; a convolution over time; three densely connected blocks whose layers weigh their
//! output by the context around each frame; mean and standard deviation over time; one linear layer. Each batch normalization that
//! follows a convolution is folded into it. In the end the mean voice is subtracted.
//!
//! The context is the mean over the whole input plus the mean over a segment of 100 frames, so it is the same for all frames of a
//! segment: what is computed from it is computed once for each segment, and then repeated.
//!
//! Sources: H. Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking", 2023;
//! 3D-Speaker, `speakerlab/models/campplus`. The last step here is a ReLU, which 3D-Speaker's code
//! does not have; the mean voice was computed with it.

use std::io::{Read, Seek};

use super::checkpoint::Checkpoint;
use super::error::ImportError;
use super::layers::{Layers, Normalization};
use super::onnx::{Attribute, Graph, Size};

/// The mean embedding of five readers of LibriSpeech, in wide band and telephone band.
const MEAN_VOICE: &[u8; 4 * WIDTH] = include_bytes!("../../../assets/campplus-mean.f32");

const BANDS: usize = 80;
const WIDTH: usize = 192;
/// Channels of the two-dimensional convolutions.
const HEAD: usize = 32;
/// Channels after the convolution over time.
const START: usize = 128;
/// Channels that each dense layer adds, and that it works on.
const GROWTH: usize = 32;
const BOTTLENECK: usize = 128;
/// Frames in a segment of the context.
const SEGMENT: usize = 100;
/// Layers and dilation of each block.
const BLOCKS: [(usize, usize); 3] = [(12, 1), (24, 2), (16, 2)];

/// Reads the weights and builds the graph.
pub(super) fn graph<R: Read + Seek>(weights: &mut Checkpoint<R>) -> Result<Graph, ImportError> {
    let mut builder = Builder { layers: Layers { graph: Graph::default(), weights } };
    let graph = &mut builder.layers.graph;
    for (key, value) in [
        ("license", "Apache-2.0"),
        ("source", "3D-Speaker, speech_campplus_sv_zh_en_16k-common_advanced"),
        ("framework", "3d-speaker"),
        ("language", "Chinese-English"),
        ("sample_rate", "16000"),
        ("normalize_samples", "1"),
        ("feature_normalize_type", "global-mean"),
        ("window_type", "povey"),
        ("output_dim", "192"),
    ] {
        graph.property(key, value);
    }
    graph.input("x", &[Size::Free("N"), Size::Free("T"), Size::Fixed(BANDS)]);
    graph.output("embedding", &[Size::Free("N"), Size::Fixed(WIDTH)]);
    for (name, values) in [
        ("first", &[0_i64][..]),
        ("second", &[1]),
        ("third", &[2]),
        ("end", &[3]),
        ("frames_of_segment", &[1, 1, 1, 100]),
        ("segments_in_a_row", &[0, 0, -1]),
        ("bands_and_channels", &[0, 320, -1]),
    ] {
        graph.integers(name, values);
    }
    let mut channels = builder.head()?;
    let mut from = "start".to_owned();
    for (index, (layers, dilation)) in BLOCKS.into_iter().enumerate() {
        let block = index + 1;
        for layer in 1..=layers {
            from = builder.dense_layer(&format!("xvector.block{block}.tdnnd{layer}"), &from, channels, dilation)?;
            channels += GROWTH;
        }
        from = builder.transit(block, &from, channels)?;
        channels /= 2;
    }
    builder.statistics(&from);
    builder.last(2 * channels)?;
    let Layers { graph, weights } = builder.layers;
    weights.expect_all_used(&[])?;
    Ok(graph)
}

struct Builder<'a, R> {
    layers: Layers<'a, R>,
}

impl<R: Read + Seek> Builder<'_, R> {
    /// From `x` to `start` [N, 128, frames], with half as many frames. Returns the channels.
    fn head(&mut self) -> Result<usize, ImportError> {
        self.layers.graph.node("Transpose", &["x"], &["bands_first"], &[Attribute::Numbers("perm", &[0, 2, 1])]);
        self.layers.graph.node("Unsqueeze", &["bands_first", "second"], &["plane"], &[]);
        self.plane_convolution(["head.conv1", "head.bn1"], ["plane", "head"], Kernel { inputs: 1, size: 3, stride: 1 })?;
        self.layers.relu("head", "head_active");
        let mut from = "head_active".to_owned();
        for layer in ["layer1", "layer2"] {
            for unit in 0..2 {
                from = self.residual_unit(&format!("head.{layer}.{unit}"), &from, unit == 0)?;
            }
        }
        self.plane_convolution(["head.conv2", "head.bn2"], [&from, "tail"], Kernel { inputs: HEAD, size: 3, stride: 2 })?;
        self.layers.relu("tail", "tail_active");
        self.layers.graph.node("Reshape", &["tail_active", "bands_and_channels"], &["rows"], &[]);
        let attributes =
            [Attribute::Numbers("strides", &[2]), Attribute::Numbers("dilations", &[1]), Attribute::Numbers("pads", &[2, 2])];
        let shape = [START, HEAD * BANDS / 8, 5];
        let names = ("xvector.tdnn.linear", Normalization::Affine("xvector.tdnn.nonlinear.batchnorm"));
        self.layers.folded(names, ["rows", "started"], &shape, &attributes)?;
        self.layers.relu("started", "start");
        // The count of frames, to which each layer cuts its context.
        self.layers.graph.node("Shape", &["start"], &["shape"], &[]);
        self.layers.graph.node("Slice", &["shape", "third", "end", "first"], &["frames"], &[]);
        Ok(START)
    }

    /// Two convolutions, and a shortcut past them; the first unit of a layer halves the bands.
    fn residual_unit(&mut self, name: &str, from: &str, is_first: bool) -> Result<String, ImportError> {
        let step = |part: &str| format!("{name}.{part}");
        let (one, active, two, sum, out) = (step("one"), step("active"), step("two"), step("sum"), step("out"));
        let first = Kernel { inputs: HEAD, size: 3, stride: if is_first { 2 } else { 1 } };
        self.plane_convolution([&step("conv1"), &step("bn1")], [from, &one], first)?;
        self.layers.relu(&one, &active);
        self.plane_convolution([&step("conv2"), &step("bn2")], [&active, &two], Kernel { inputs: HEAD, size: 3, stride: 1 })?;
        if is_first {
            let shortcut = step("past");
            let names = [step("shortcut.0"), step("shortcut.1")];
            let kernel = Kernel { inputs: HEAD, size: 1, stride: 2 };
            self.plane_convolution([&names[0], &names[1]], [from, &shortcut], kernel)?;
            self.layers.graph.node("Add", &[&two, &shortcut], &[&sum], &[]);
        } else {
            self.layers.graph.node("Add", &[&two, from], &[&sum], &[]);
        }
        self.layers.relu(&sum, &out);
        Ok(out)
    }

    /// A convolution over bands and time with its normalization; the stride is that of the bands.
    fn plane_convolution(
        &mut self,
        [convolution, normalization]: [&str; 2],
        ends: [&str; 2],
        kernel: Kernel,
    ) -> Result<(), ImportError> {
        let pad = kernel.size / 2;
        let attributes = [Attribute::Numbers("strides", &[kernel.stride, 1]), Attribute::Numbers("pads", &[pad, pad, pad, pad])];
        let names = (convolution, Normalization::Affine(normalization));
        self.layers.folded(names, ends, &[HEAD, kernel.inputs, kernel.size, kernel.size], &attributes)
    }

    /// Appends 32 channels to `from`.
    fn dense_layer(&mut self, name: &str, from: &str, channels: usize, dilation: usize) -> Result<String, ImportError> {
        let step = |part: &str| format!("{name}.{part}");
        let names = ["normalized", "prepared", "narrow", "active", "local", "mask", "masked", "out"].map(step);
        let [normalized, prepared, narrow, active, local, mask, masked, out] = names.each_ref().map(String::as_str);
        self.layers.normalization(&step("nonlinear1.batchnorm"), [from, normalized], channels)?;
        self.layers.relu(normalized, prepared);
        let linear = [step("linear1"), step("nonlinear2.batchnorm")];
        let names = (linear[0].as_str(), Normalization::Affine(&linear[1]));
        self.layers.folded(names, [prepared, narrow], &[BOTTLENECK, channels, 1], &[])?;
        self.layers.relu(narrow, active);
        let around = [Attribute::Numbers("dilations", &[dilation]), Attribute::Numbers("pads", &[dilation, dilation])];
        self.layers.convolution(&step("cam_layer.linear_local"), [active, local], &[GROWTH, BOTTLENECK, 3], &around)?;
        self.mask(&step("cam_layer"), [active, mask])?;
        self.layers.graph.node("Mul", &[local, mask], &[masked], &[]);
        self.layers.graph.node("Concat", &[from, masked], &[out], &[Attribute::Number("axis", 1)]);
        Ok(out.to_owned())
    }

    /// A factor from 0 to 1 for each channel and frame, from the context.
    fn mask(&mut self, name: &str, [from, to]: [&str; 2]) -> Result<(), ImportError> {
        let step = |part: &str| format!("{name}.{part}");
        let names = ["mean", "segments", "context", "one", "active", "two", "factor", "column", "repeated", "row"].map(step);
        let [mean, segments, context, one, active, two, factor, column, repeated, row] = names.each_ref().map(String::as_str);
        let over_time = [Attribute::Numbers("axes", &[2]), Attribute::Number("keepdims", 1)];
        self.layers.graph.node("ReduceMean", &[from], &[mean], &over_time);
        let in_segments = [
            Attribute::Numbers("kernel_shape", &[SEGMENT]),
            Attribute::Numbers("strides", &[SEGMENT]),
            Attribute::Number("ceil_mode", 1),
        ];
        self.layers.graph.node("AveragePool", &[from], &[segments], &in_segments);
        self.layers.graph.node("Add", &[segments, mean], &[context], &[]);
        self.layers.linear(&step("linear1"), [context, one], &[BOTTLENECK / 2, BOTTLENECK, 1])?;
        self.layers.relu(one, active);
        self.layers.linear(&step("linear2"), [active, two], &[GROWTH, BOTTLENECK / 2, 1])?;
        self.layers.graph.node("Sigmoid", &[two], &[factor], &[]);
        self.layers.graph.node("Unsqueeze", &[factor, "end"], &[column], &[]);
        self.layers.graph.node("Expand", &[column, "frames_of_segment"], &[repeated], &[]);
        self.layers.graph.node("Reshape", &[repeated, "segments_in_a_row"], &[row], &[]);
        self.layers.graph.node("Slice", &[row, "first", "frames", "third"], &[to], &[]);
        Ok(())
    }

    /// Halves the channels after a block. The normalization after the last block is folded into its convolution.
    fn transit(&mut self, block: usize, from: &str, channels: usize) -> Result<String, ImportError> {
        let name = format!("xvector.transit{block}");
        let step = |part: &str| format!("{name}.{part}");
        let [normalized, prepared, out] = ["normalized", "prepared", "out"].map(step);
        self.layers.normalization(&step("nonlinear.batchnorm"), [from, &normalized], channels)?;
        self.layers.relu(&normalized, &prepared);
        let shape = [channels / 2, channels, 1];
        let linear = step("linear");
        if block < BLOCKS.len() {
            self.layers.convolution(&linear, [&prepared, &out], &shape, &[])?;
            return Ok(out);
        }
        let names = (linear.as_str(), Normalization::Affine("xvector.out_nonlinear.batchnorm"));
        self.layers.folded(names, [&prepared, &out], &shape, &[])?;
        self.layers.relu(&out, "frames_of_voice");
        Ok("frames_of_voice".to_owned())
    }

    /// The mean and the unbiased standard deviation over time, as `statistics` [N, 2 * channels].
    fn statistics(&mut self, from: &str) {
        let over_time = [Attribute::Numbers("axes", &[2]), Attribute::Number("keepdims", 1)];
        let graph = &mut self.layers.graph;
        graph.floats("one", &[1], [1.0]);
        graph.node("ReduceMean", &[from], &["mean"], &over_time);
        graph.node("Sub", &[from, "mean"], &["deviation"], &[]);
        graph.node("Mul", &["deviation", "deviation"], &["square"], &[]);
        graph.node("ReduceMean", &["square"], &["biased"], &over_time);
        // ONNX's number for float32.
        graph.node("Cast", &["frames"], &["count"], &[Attribute::Number("to", 1)]);
        graph.node("Sub", &["count", "one"], &["count_less_one"], &[]);
        graph.node("Mul", &["biased", "count"], &["squares"], &[]);
        graph.node("Div", &["squares", "count_less_one"], &["variance"], &[]);
        graph.node("Sqrt", &["variance"], &["spread"], &[]);
        graph.node("Concat", &["mean", "spread"], &["statistics"], &[Attribute::Number("axis", 1)]);
    }

    /// From `statistics` to `embedding`.
    fn last(&mut self, channels: usize) -> Result<(), ImportError> {
        let names = ("xvector.dense.linear", Normalization::Plain("xvector.dense.nonlinear.batchnorm"));
        self.layers.folded(names, ["statistics", "dense"], &[WIDTH, channels, 1], &[])?;
        self.layers.relu("dense", "voice");
        let numbers = MEAN_VOICE.as_chunks::<4>().0;
        self.layers.graph.floats("mean_voice", &[1, WIDTH, 1], numbers.iter().map(|number| f32::from_le_bytes(*number)));
        self.layers.graph.node("Sub", &["voice", "mean_voice"], &["difference"], &[]);
        self.layers.graph.node("Squeeze", &["difference", "third"], &["embedding"], &[]);
        Ok(())
    }
}

/// A square kernel over bands and time.
#[derive(Clone, Copy)]
struct Kernel {
    inputs: usize,
    size: usize,
    /// The step over the bands; that over time is 1.
    stride: usize,
}
