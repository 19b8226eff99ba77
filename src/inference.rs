//! Runs ONNX models; the only module that names the ONNX runtime (rten).
//!
//! Callers pass named slices with their shapes and get named values back, so the runtime can be replaced here. Model
//! files come from users: whatever they contain, loading and running ends in a value or an [`InferenceError`]. So a file is
//! checked before the runtime sees it: `wellformed` its structure, `permitted` its operations, `sizes` what it would compute.
//! The runtime never opens files itself (a model could refer to others), and a panic inside it becomes an error.

mod dense;
mod narrow;
mod outline;
mod permitted;
mod sizes;
mod trunk;
mod wellformed;

pub use dense::DenseNetwork;
pub use trunk::Trunk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rten::{Dimension, Model, ModelMetadata, ModelOptions, NodeId, RunOptions, ThreadPool, ValueOrView, ValueView};
use rten_tensor::Layout as _;

use crate::plain_file;
use sizes::Sizes;

/// Model files larger than this are refused.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// Why a model cannot be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The model file cannot be read.
    #[error("could not read the model")]
    Read(#[source] std::io::Error),
    /// The file exceeds the size limit.
    #[error("the model file has {bytes} bytes, more than the limit of {MAX_FILE_BYTES}")]
    TooLarge {
        /// Size of the file in bytes.
        bytes: u64,
    },
    /// The file is not an ONNX model, or uses operations that the runtime does not support.
    #[error("not a usable ONNX model: {0}")]
    Invalid(String),
    /// The model has no input or output with this name.
    #[error("the model has no input or output named `{0}`")]
    NoSuchPort(String),
    /// The model failed on this input.
    #[error("the model failed: {0}")]
    Run(String),
}

/// Worker lanes for running models, each with a thread pool of one thread.
///
/// The models are small recurrent networks that a second thread does not speed up, so inputs run in parallel, one per
/// lane.
#[derive(Debug, Clone)]
pub struct Lanes(Arc<[Arc<ThreadPool>]>);

impl Lanes {
    /// Creates `count` lanes, at least one.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self((0..count.max(1)).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect())
    }

    /// Number of inputs that can run at once.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The thread pool of a lane.
    fn pool(&self, lane: usize) -> Arc<ThreadPool> {
        Arc::clone(&self.0[lane % self.count()])
    }

    /// Applies `work` to every item, in all lanes at once, and returns the results in the order of the items. `work`
    /// also gets the index of the lane to use.
    pub fn map<I: Sync, O: Send>(&self, items: &[I], work: impl Fn(usize, &I) -> O + Sync) -> Vec<O> {
        let lanes = self.count().min(items.len());
        if lanes <= 1 {
            return items.iter().map(|item| work(0, item)).collect();
        }
        let next = AtomicUsize::new(0);
        let run_lane = |lane: usize| {
            let mut done = Vec::new();
            while let Some((index, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?))) {
                done.push((index, work(lane, item)));
            }
            done
        };
        let mut answers = std::thread::scope(|scope| {
            let others: Vec<_> = (1..lanes)
                .map(|lane| {
                    scope.spawn({
                        let run_lane = &run_lane;
                        move || run_lane(lane)
                    })
                })
                .collect();
            let mut answers = run_lane(0);
            for other in others {
                match other.join() {
                    Ok(done) => answers.extend(done),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            answers
        });
        answers.sort_unstable_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }
}

/// A dense tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes of the dimensions, outermost first.
    pub shape: Vec<usize>,
    /// The values; as many as the product of `shape`.
    pub values: Vec<f32>,
}

/// A named input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The name in the model's graph.
    pub name: String,
    /// Dimensions; `None` where the model leaves them free.
    pub shape: Vec<Option<usize>>,
}

/// A loaded model, ready to run.
pub struct Session {
    model: Model,
    sizes: Sizes,
    lanes: Lanes,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("inputs", &self.inputs()).field("outputs", &self.outputs()).finish()
    }
}

impl Session {
    /// Loads a model from a file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not an ONNX model that can be run.
    pub fn load(path: &Path, lanes: &Lanes) -> Result<Self, InferenceError> {
        Self::from_bytes(read_model(path)?, lanes)
    }

    /// Loads a model from memory.
    ///
    /// # Errors
    /// When the bytes are not an ONNX model that can be run.
    pub fn from_bytes(bytes: Vec<u8>, lanes: &Lanes) -> Result<Self, InferenceError> {
        let (sizes, rearranges) = guarded(|| {
            let graph = outline::parse(&bytes)?;
            Ok((Sizes::of(&graph)?, permitted::may_be_rearranged(&graph)))
        })
        .map_err(InferenceError::Invalid)?;
        let bytes = wellformed::without_declared_values(&bytes).unwrap_or(bytes);
        let loaded = guarded(|| {
            ModelOptions::with_all_ops().enable_optimization(rearranges).load(bytes).map_err(|error| error.to_string())
        });
        Ok(Self { model: loaded.map_err(InferenceError::Invalid)?, sizes, lanes: lanes.clone() })
    }

    /// The model's inputs, without its constants.
    #[must_use]
    pub fn inputs(&self) -> Vec<Port> {
        self.ports(self.model.input_ids())
    }

    /// The model's outputs, in the order of the file.
    #[must_use]
    pub fn outputs(&self) -> Vec<Port> {
        self.ports(self.model.output_ids())
    }

    /// The value of a metadata property of the file.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let metadata: &ModelMetadata = self.model.metadata();
        metadata.get(key)
    }

    /// The lanes that the model runs in.
    #[must_use]
    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// Runs the model on one input, given as name, shape and values. `input` may also name an intermediate value that
    /// the output depends on.
    ///
    /// # Errors
    /// When a name is unknown, the shape does not fit, or the model fails.
    pub fn run(&self, lane: usize, input: (&str, &[usize], &[f32]), output: &str) -> Result<Tensor, InferenceError> {
        let (name, shape, values) = input;
        let from = self.port(name)?;
        let to = self.port(output)?;
        let pool = self.lanes.pool(lane);
        guarded(|| {
            self.sizes.check(name, shape, output)?;
            let view: ValueView = ValueView::from_shape(shape, values).map_err(|error| error.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(pool));
            let inputs = vec![(from, ValueOrView::from(view))];
            let [value] = self.model.run_n(inputs, [to], Some(options)).map_err(|error| error.to_string())?;
            let tensor = value.into_tensor::<f32>().ok_or_else(|| format!("`{output}` is not of type float32"))?;
            Ok(Tensor { shape: tensor.shape().to_vec(), values: tensor.into_data() })
        })
        .map_err(InferenceError::Run)
    }

    fn port(&self, name: &str) -> Result<NodeId, InferenceError> {
        self.model.find_node(name).ok_or_else(|| InferenceError::NoSuchPort(name.to_owned()))
    }

    fn ports(&self, ids: &[NodeId]) -> Vec<Port> {
        let size = |dimension: &Dimension| match dimension {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Symbolic(_) => None,
        };
        ids.iter()
            .filter_map(|id| self.model.node_info(*id))
            .map(|node| Port {
                name: node.name().unwrap_or_default().to_owned(),
                shape: node.shape().unwrap_or_default().iter().map(size).collect(),
            })
            .collect()
    }
}

/// Reads a model file into memory.
///
/// # Errors
/// When the file cannot be read, or is larger than the limit.
pub fn read_model(path: &Path) -> Result<Vec<u8>, InferenceError> {
    let file = plain_file::open(path).map_err(InferenceError::Read)?;
    let bytes = file.metadata().map_err(InferenceError::Read)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(InferenceError::TooLarge { bytes });
    }
    plain_file::read(&file, MAX_FILE_BYTES).map_err(InferenceError::Read)
}

/// Turns a panic of the runtime into an error: a hostile model must fail one job, not the process.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the runtime could not handle the model".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILT_IN: &[u8] = include_bytes!("../assets/voiceprint-stats-lda48.onnx");

    #[test]
    fn a_model_reports_its_ports_and_runs() {
        let session = Session::from_bytes(BUILT_IN.to_vec(), &Lanes::new(2)).unwrap();
        assert_eq!(session.inputs(), [Port { name: "mfcc".into(), shape: vec![None, None, Some(40)] }]);
        let answer = session.run(1, ("mfcc", &[1, 20, 40], &[0.5; 800]), "embedding").unwrap();
        assert_eq!(answer.shape, [1, 48]);
    }

    #[test]
    fn lanes_keep_the_order() {
        let items: Vec<usize> = (0..100).collect();
        assert_eq!(Lanes::new(3).map(&items, |_, item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
    }

    #[test]
    fn wrong_names_and_shapes_are_errors() {
        let session = Session::from_bytes(BUILT_IN.to_vec(), &Lanes::new(1)).unwrap();
        let run = |name, shape: &[usize], values: &[f32]| session.run(0, (name, shape, values), "embedding");
        assert!(matches!(run("mel", &[1, 1, 40], &[0.0; 40]), Err(InferenceError::NoSuchPort(_))));
        assert!(matches!(run("mfcc", &[1, 20, 39], &[0.0; 780]), Err(InferenceError::Run(_))));
        assert!(matches!(run("mfcc", &[1, 20, 40], &[0.0; 7]), Err(InferenceError::Run(_))));
    }

    /// A model of operations that follow from each other, all on one value of 4 numbers.
    fn chain(length: usize) -> Vec<u8> {
        use rten_onnx::onnx::{
            DataType, Dimension, GraphProto, ModelProto, NodeProto, TensorShapeProto, TypeProto, TypeProtoTensor,
        };
        use rten_onnx::onnx::{OperatorSetIdProto, ValueInfoProto};
        use rten_onnx::protobuf::{EncodeMessage as _, ValueWriter};
        let port = |name: String| {
            let dim = vec![Dimension { dim_value: Some(4), ..Dimension::default() }];
            let tensor = TypeProtoTensor { elem_type: Some(DataType::FLOAT), shape: Some(TensorShapeProto { dim }) };
            ValueInfoProto { name: Some(name), r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }) }
        };
        let node = |place: usize| NodeProto {
            input: vec![format!("v{place}")],
            output: vec![format!("v{}", place + 1)],
            op_type: Some("Tanh".to_owned()),
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: (0..length).map(node).collect(),
            input: vec![port("v0".to_owned())],
            output: vec![port(format!("v{length}"))],
            ..GraphProto::default()
        };
        let model = ModelProto {
            ir_version: Some(8),
            opset_import: vec![OperatorSetIdProto { version: Some(13), ..OperatorSetIdProto::default() }],
            graph: Some(graph),
            ..ModelProto::default()
        };
        let mut bytes = Vec::new();
        model.encode(ValueWriter::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn the_longest_chain_that_is_permitted_runs_on_the_stack_of_a_thread() {
        let session = Session::from_bytes(chain(4096), &Lanes::new(1)).unwrap();
        assert_eq!(session.run(0, ("v0", &[4], &[0.5; 4]), "v4096").unwrap().shape, [4]);
        let error = Session::from_bytes(chain(4097), &Lanes::new(1)).unwrap_err().to_string();
        assert_eq!(error, "not a usable ONNX model: more than 4096 operations follow from each other");
    }

    #[test]
    fn files_that_are_no_models_are_refused() {
        let lanes = Lanes::new(1);
        assert!(matches!(Session::load(Path::new("no/such/file"), &lanes), Err(InferenceError::Read(_))));
        for bytes in [&b""[..], b"RIFF....WAVEfmt ", &[0xff; 4096], &BUILT_IN[..9000]] {
            assert!(matches!(Session::from_bytes(bytes.to_vec(), &lanes), Err(InferenceError::Invalid(_))), "{}", bytes.len());
        }
    }
}
