//! Converts the voice encoder of Resemblyzer from its wheel into an ONNX graph (`mel40-ge2e`, see docs/models.md).
//!
//! The weights are stored in the wheel as a PyTorch pickle, which could run code and is never unpickled. Instead, the hashes of
//! the wheel and of the file are compared with the published ones, and in that one file the numbers are at known offsets.
//!
//! Sources: PyPI, resemblyzer 0.1.4 (Apache-2.0); PyTorch's documentation of `LSTM` (shapes, gates in the order i, f, g, o);
//! the operator `LSTM` of ONNX (gates in the order i, o, f, c).

use std::io::Read;
use std::path::{Path, PathBuf};

use super::archive::{Archive, damaged};
use super::error::{ImportError, printable};
use super::known;
use super::lstm::in_order_of_onnx;
use super::onnx::{Attribute, Graph, Size};
use super::output::HashingWriter;
use super::progress::Meter;
use super::shared_file::SharedFile;

/// The path of the weights in the wheel.
const WEIGHTS: &str = "resemblyzer/pretrained.pt";
const WEIGHTS_SHA256: &str = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e";
/// The only version whose file is known.
const VERSION: &str = "0.1.4";
/// The mean unit embedding of five readers of LibriSpeech, in wide band and telephone band. It is subtracted from every embedding.
const MEAN_VOICE: &[u8] = include_bytes!("../../../assets/ge2e-mean.f32");

const BANDS: usize = 40;
const WIDTH: usize = 256;
const GATES: usize = 4 * WIDTH;
/// The end of the last number that is needed, in bytes.
const END: usize = 5_701_179;

/// A run of numbers in the file of weights: byte offset and number of numbers.
struct Place {
    offset: usize,
    count: usize,
}

struct Layer {
    input: Place,
    state: Place,
    input_bias: Place,
    state_bias: Place,
}

const fn layer(input: usize, inputs: usize, state: usize, input_bias: usize, state_bias: usize) -> Layer {
    Layer {
        input: Place { offset: input, count: GATES * inputs },
        state: Place { offset: state, count: GATES * WIDTH },
        input_bias: Place { offset: input_bias, count: GATES },
        state_bias: Place { offset: state_bias, count: GATES },
    }
}

const LAYERS: [Layer; 3] = [
    layer(269_883, BANDS, 433_723, 5_676_603, 5_680_699),
    layer(1_482_299, WIDTH, 2_530_875, 5_684_795, 5_688_891),
    layer(3_579_451, WIDTH, 4_628_027, 5_692_987, 5_697_083),
];
const PROJECTION: Place = Place { offset: 7_731, count: WIDTH * WIDTH };
const PROJECTION_BIAS: Place = Place { offset: 6_699, count: WIDTH };

/// The wheel, whose content has been verified.
pub(super) struct Wheel {
    archive: Archive,
    weights: usize,
}

impl Wheel {
    /// Takes the archive in `file` as Resemblyzer's wheel; none if it is a different archive.
    pub(super) fn open(
        path: &Path,
        archive: &Archive,
        mut file: SharedFile,
        meter: &Meter<'_>,
    ) -> Result<Option<Self>, ImportError> {
        let Some((weights, _)) = archive.files().find(|(_, name)| *name == WEIGHTS) else { return Ok(None) };
        let package = archive.package().filter(|(name, _)| name.eq_ignore_ascii_case("resemblyzer"));
        match package.map(|(_, version)| version) {
            Some(VERSION) => {}
            other => return Err(wrong_version(path, other)),
        }
        known::check_content(path, &mut file, known::RESEMBLYZER, meter)?;
        Ok(Some(Self { archive: archive.clone(), weights }))
    }

    /// Reads the weights and builds the graph.
    pub(super) fn model(mut self) -> Result<Graph, ImportError> {
        let mut entry = self.archive.file(self.weights)?;
        let mut weights = vec![0; END];
        entry.read_exact(&mut weights).map_err(|error| damaged(&error))?;
        let mut hash = HashingWriter::new(std::io::sink());
        let mut whole = weights.as_slice().chain(entry);
        std::io::copy(&mut whole, &mut hash).map_err(|error| damaged(&error))?;
        let found = hash.finish().map_err(|error| damaged(&error))?;
        if found != WEIGHTS_SHA256 {
            return Err(ImportError::WrongHash { path: PathBuf::from(WEIGHTS), found, expected: WEIGHTS_SHA256 });
        }
        Ok(graph(&weights))
    }
}

fn wrong_version(path: &Path, found: Option<&str>) -> ImportError {
    let found = found.map_or_else(|| "without a version".to_owned(), printable);
    ImportError::OtherVersion { path: path.to_owned(), found, expected: VERSION }
}

/// Builds the graph: three LSTM layers, a projection of the last state, and its positive part scaled to length 1 (`embedding`, one
/// for each row); and one embedding for all rows (`speaker`): their mean minus the mean voice, scaled to length 1.
fn graph(weights: &[u8]) -> Graph {
    let mut graph = Graph::default();
    graph.property("license", "Apache-2.0");
    graph.property("source", "PyPI, resemblyzer 0.1.4, pretrained.pt");
    graph.property("features", "mel40-ge2e");
    graph.property("sample_rate", "16000");
    graph.property("output_dim", "256");
    graph.input("mel", &[Size::Free("N"), Size::Free("T"), Size::Fixed(BANDS)]);
    graph.output("embedding", &[Size::Free("N"), Size::Fixed(WIDTH)]);
    graph.output("speaker", &[Size::Fixed(1), Size::Fixed(WIDTH)]);
    graph.node("Transpose", &["mel"], &["x0"], &[Attribute::Numbers("perm", &[1, 0, 2])]);
    graph.integers("first", &[0]);
    graph.integers("second", &[1]);
    graph.floats("width", &[1], [WIDTH as f32]);
    graph.floats("tiny", &[1], [1e-12]);
    for (index, layer) in LAYERS.iter().enumerate() {
        let [x, w, r, b, all, last] = ["x", "w", "r", "b", "all", "last"].map(|name| format!("{name}{index}"));
        graph.floats(&w, &[1, GATES, layer.input.count / GATES], gates(weights, &layer.input));
        graph.floats(&r, &[1, GATES, WIDTH], gates(weights, &layer.state));
        let biases = gates(weights, &layer.input_bias).into_iter().chain(gates(weights, &layer.state_bias));
        graph.floats(&b, &[1, 2 * GATES], biases);
        graph.node("LSTM", &[&x, &w, &r, &b], &[&all, &last], &[Attribute::Number("hidden_size", WIDTH)]);
        // Both have a dimension of 1 for the one direction.
        let next = format!("x{}", index + 1);
        let (from, axis) = if index + 1 < LAYERS.len() { (&all, "second") } else { (&last, "first") };
        graph.node("Squeeze", &[from, axis], &[&next], &[]);
    }
    let projection = floats(weights, &PROJECTION);
    graph.floats("projection", &[WIDTH, WIDTH], transposed(&projection));
    graph.floats("projection_bias", &[WIDTH], floats(weights, &PROJECTION_BIAS));
    graph.floats("mean_voice", &[1, WIDTH], floats(MEAN_VOICE, &Place { offset: 0, count: WIDTH }));
    graph.node("MatMul", &["x3", "projection"], &["projected"], &[]);
    graph.node("Add", &["projected", "projection_bias"], &["biased"], &[]);
    graph.node("Relu", &["biased"], &["positive"], &[]);
    normalize_rows(&mut graph, "positive", "embedding");
    let over_rows = [Attribute::Numbers("axes", &[0]), Attribute::Number("keepdims", 1)];
    graph.node("ReduceMean", &["embedding"], &["mean"], &over_rows);
    normalize_rows(&mut graph, "mean", "unit_mean");
    graph.node("Sub", &["unit_mean", "mean_voice"], &["difference"], &[]);
    normalize_rows(&mut graph, "difference", "speaker");
    graph
}

/// Adds nodes that scale each row to length 1.
fn normalize_rows(graph: &mut Graph, from: &str, to: &str) {
    let step = |name: &str| format!("{to}_{name}");
    let [square, mean, sum, length, divisor] = ["square", "mean", "sum", "length", "divisor"].map(step);
    let over_values = [Attribute::Numbers("axes", &[1]), Attribute::Number("keepdims", 1)];
    graph.node("Mul", &[from, from], &[&square], &[]);
    graph.node("ReduceMean", &[&square], &[&mean], &over_values);
    graph.node("Mul", &[&mean, "width"], &[&sum], &[]);
    graph.node("Sqrt", &[&sum], &[&length], &[]);
    graph.node("Add", &[&length, "tiny"], &[&divisor], &[]);
    graph.node("Div", &[from, &divisor], &[to], &[]);
}

/// The numbers with PyTorch's gates reordered for ONNX.
fn gates(weights: &[u8], place: &Place) -> Vec<f32> {
    in_order_of_onnx(&floats(weights, place))
}

fn floats(weights: &[u8], place: &Place) -> Vec<f32> {
    let bytes = &weights[place.offset..place.offset + 4 * place.count];
    bytes.chunks_exact(4).map(|value| f32::from_le_bytes([value[0], value[1], value[2], value[3]])).collect()
}

/// The transpose of a square matrix.
fn transposed(square: &[f32]) -> Vec<f32> {
    (0..square.len()).map(|place| square[place % WIDTH * WIDTH + place / WIDTH]).collect()
}
