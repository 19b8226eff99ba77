//! pyannote's segmentation network (PyanNet) as an ONNX graph.
//!
//! Filters of learned edges over the waveform (SincNet), two convolutions, four bidirectional LSTM layers, three linear layers. The
//! filters are computed here, so that the graph begins with a plain convolution.
//!
//! Sources: pyannote.audio 3, `models/segmentation/PyanNet.py` and `models/blocks/sincnet.py`; asteroid-filterbanks,
//! `param_sinc_fb.py` (the filters); PyTorch's documentation of `LSTM` (gates i, f, g, o); the operator `LSTM` of ONNX (i, o, f, c).

use std::f64::consts::TAU;
use std::io::{Read, Seek};

use super::checkpoint::{Checkpoint, refused};
use super::error::ImportError;
use super::lstm::in_order_of_onnx;
use super::onnx::{Attribute, Graph, Size};

const RATE: f64 = 16_000.0;
/// Pairs of filters: a cosine and a sine for each band.
const PAIRS: usize = 40;
const FILTER: usize = 251;
const HALF: usize = FILTER / 2;
/// The lowest edge and the narrowest band, in Hz.
const LOWEST_HZ: f64 = 50.0;
const NARROWEST_HZ: f64 = 50.0;
/// Channels after each of the three convolutions.
const CHANNELS: [usize; 3] = [2 * PAIRS, 60, 60];
const KERNEL: usize = 5;
const WIDTH: usize = 128;
const LAYERS: usize = 4;
const CLASSES: usize = 7;
const EPSILON: Attribute<'_> = Attribute::Fraction("epsilon", 1e-5);
const SLOPE: Attribute<'_> = Attribute::Fraction("alpha", 0.01);

/// Where the published checkpoint comes from, and its licence. Those of another checkpoint are not known.
pub(super) const PUBLISHED: [(&str, &str); 2] = [("license", "MIT"), ("source", "pyannote/segmentation-3.0, pytorch_model.bin")];

/// Reads the weights and completes the graph, which has nothing but properties yet.
pub(super) fn graph<R: Read + Seek>(mut graph: Graph, weights: &mut Checkpoint<R>) -> Result<Graph, ImportError> {
    graph.property("sample_rate", "16000");
    graph.property("window_size", "160000");
    graph.property("powerset_classes", "none,s1,s2,s3,s1+s2,s1+s3,s2+s3");
    graph.input("x", &[Size::Free("N"), Size::Fixed(1), Size::Free("T")]);
    graph.output("y", &[Size::Free("N"), Size::Free("frames"), Size::Fixed(CLASSES)]);
    normalization(&mut graph, weights, "sincnet.wav_norm1d", 1, ["x", "wave"])?;
    let filters = filters(weights)?;
    graph.floats("filters", &[CHANNELS[0], 1, FILTER], filters);
    graph.convolution(&["wave", "filters"], "bands", &[FILTER], &[Attribute::Numbers("strides", &[10])]);
    graph.node("Abs", &["bands"], &["convolved0"], &[]);
    for (index, channels) in CHANNELS.into_iter().enumerate() {
        let [convolved, pooled, normalized, active] =
            ["convolved", "pooled", "normalized", "active"].map(|name| format!("{name}{index}"));
        if index > 0 {
            let name = format!("sincnet.conv1d.{index}");
            let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
            let shape = [channels, CHANNELS[index - 1], KERNEL];
            graph.floats(&weight, &shape, weights.floats(&weight, &shape)?);
            graph.floats(&bias, &[channels], weights.floats(&bias, &[channels])?);
            graph.convolution(&[&format!("active{}", index - 1), &weight, &bias], &convolved, &[KERNEL], &[]);
        }
        let three = [Attribute::Numbers("kernel_shape", &[3]), Attribute::Numbers("strides", &[3])];
        graph.node("MaxPool", &[&convolved], &[&pooled], &three);
        normalization(&mut graph, weights, &format!("sincnet.norm1d.{index}"), channels, [&pooled, &normalized])?;
        graph.node("LeakyRelu", &[&normalized], &[&active], &[SLOPE]);
    }
    recurrent_layers(&mut graph, weights)?;
    linear_layers(&mut graph, weights)?;
    weights.expect_all_used(&["sincnet.conv1d.0.filterbank.n_"])?;
    Ok(graph)
}

/// Normalizes each channel over time.
fn normalization<R: Read + Seek>(
    graph: &mut Graph,
    weights: &mut Checkpoint<R>,
    name: &str,
    channels: usize,
    [from, to]: [&str; 2],
) -> Result<(), ImportError> {
    let [weight, bias] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
    graph.floats(&weight, &[channels], weights.floats(&weight, &[channels])?);
    graph.floats(&bias, &[channels], weights.floats(&bias, &[channels])?);
    graph.node("InstanceNormalization", &[from, &weight, &bias], &[to], &[EPSILON]);
    Ok(())
}

/// From `active2` [N, channels, frames] to `recurrent` [N, frames, 2 * width].
fn recurrent_layers<R: Read + Seek>(graph: &mut Graph, weights: &mut Checkpoint<R>) -> Result<(), ImportError> {
    graph.node("Transpose", &["active2"], &["layer0"], &[Attribute::Numbers("perm", &[2, 0, 1])]);
    // The frames and the batch stay; the two directions become one dimension.
    graph.integers("both_directions", &[0, 0, -1]);
    for layer in 0..LAYERS {
        let inputs = if layer == 0 { CHANNELS[2] } else { 2 * WIDTH };
        let (mut w, mut r, mut b) = (Vec::new(), Vec::new(), Vec::new());
        for direction in ["", "_reverse"] {
            let mut gates = |part: &str, shape: &[usize]| {
                let name = format!("lstm.{part}_l{layer}{direction}");
                weights.floats(&name, shape).map(|values| in_order_of_onnx(&values))
            };
            w.extend(gates("weight_ih", &[4 * WIDTH, inputs])?);
            r.extend(gates("weight_hh", &[4 * WIDTH, WIDTH])?);
            b.extend(gates("bias_ih", &[4 * WIDTH])?);
            b.extend(gates("bias_hh", &[4 * WIDTH])?);
        }
        let [from, w_name, r_name, b_name, all, turned] =
            ["layer", "w", "r", "b", "all", "turned"].map(|name| format!("{name}{layer}"));
        let next = format!("layer{}", layer + 1);
        graph.floats(&w_name, &[2, 4 * WIDTH, inputs], w);
        graph.floats(&r_name, &[2, 4 * WIDTH, WIDTH], r);
        graph.floats(&b_name, &[2, 8 * WIDTH], b);
        let both = [Attribute::Text("direction", "bidirectional"), Attribute::Number("hidden_size", WIDTH)];
        graph.node("LSTM", &[&from, &w_name, &r_name, &b_name], &[&all], &both);
        graph.node("Transpose", &[&all], &[&turned], &[Attribute::Numbers("perm", &[0, 2, 1, 3])]);
        graph.node("Reshape", &[&turned, "both_directions"], &[&next], &[]);
    }
    let last = format!("layer{LAYERS}");
    graph.node("Transpose", &[&last], &["recurrent"], &[Attribute::Numbers("perm", &[1, 0, 2])]);
    Ok(())
}

/// From `recurrent` to `y`.
fn linear_layers<R: Read + Seek>(graph: &mut Graph, weights: &mut Checkpoint<R>) -> Result<(), ImportError> {
    let layers = [("linear.0", 2 * WIDTH, WIDTH), ("linear.1", WIDTH, WIDTH), ("classifier", WIDTH, CLASSES)];
    let mut from = "recurrent".to_owned();
    for (name, inputs, outputs) in layers {
        let [weight, bias, product, sum] = ["weight", "bias", "product", "sum"].map(|part| format!("{name}.{part}"));
        let values = weights.floats(&weight, &[outputs, inputs])?;
        let transposed = (0..inputs).flat_map(|input| values.iter().copied().skip(input).step_by(inputs)).collect::<Vec<_>>();
        graph.floats(&weight, &[inputs, outputs], transposed);
        graph.floats(&bias, &[outputs], weights.floats(&bias, &[outputs])?);
        graph.node("MatMul", &[&from, &weight], &[&product], &[]);
        graph.node("Add", &[&product, &bias], &[&sum], &[]);
        if name == "classifier" {
            graph.node("LogSoftmax", &[&sum], &["y"], &[]);
        } else {
            from = format!("{name}.active");
            graph.node("LeakyRelu", &[&sum], &[&from], &[SLOPE]);
        }
    }
    Ok(())
}

/// The filters [2 * pairs, taps]: differences of two low passes (even, cosine), then the same turned by a quarter (odd, sine).
fn filters<R: Read + Seek>(weights: &mut Checkpoint<R>) -> Result<Vec<f32>, ImportError> {
    let mut read = |name: &str, shape: &[usize]| weights.floats(&format!("sincnet.conv1d.0.filterbank.{name}"), shape);
    let (low_hz, band_hz, window) = (read("low_hz_", &[PAIRS, 1])?, read("band_hz_", &[PAIRS, 1])?, read("window_", &[HALF])?);
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for (low_hz, band_hz) in low_hz.iter().zip(&band_hz) {
        let low = LOWEST_HZ + f64::from(low_hz.abs());
        let high = (low + NARROWEST_HZ + f64::from(band_hz.abs())).clamp(LOWEST_HZ, RATE / 2.0);
        let band = high - low;
        // The taps before the middle one; those after it mirror them.
        let taps = |wave: fn(f64, f64) -> f64| -> Vec<f64> {
            let tap = |(index, window): (usize, &f32)| {
                let n = TAU * (index as f64 - HALF as f64) / RATE;
                (wave(high, n) - wave(low, n)) / (n / 2.0) * f64::from(*window) / (2.0 * band)
            };
            window.iter().enumerate().map(tap).collect()
        };
        let cosine = taps(|hz, n| (hz * n).sin());
        even.extend(cosine.iter().copied().chain([1.0]).chain(cosine.iter().rev().copied()));
        let sine = taps(|hz, n| -(hz * n).cos());
        odd.extend(sine.iter().copied().chain([0.0]).chain(sine.iter().rev().map(|tap| -tap)));
    }
    let filters: Vec<f32> = even.into_iter().chain(odd).map(|tap| tap as f32).collect();
    if filters.iter().any(|tap| !tap.is_finite()) {
        return Err(refused("its filters are not finite".to_owned()));
    }
    Ok(filters)
}
