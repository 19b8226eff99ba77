//! The two-dimensional convolutions at the beginning of a speaker network, in a third of the runtime's time (see [`winograd`],
//! docs/benchmarks.md).
//!
//! In a ResNet they are all there is before the pooling. Convolutions are invariant to shifts in time, so the output for a
//! stretch of features serves every speaker in it: each is pooled over the columns (time steps of the output) in which it
//! talks, and only the last layers run per speaker. In CAM++ they are the head, half of the work, which
//! [`super::dense`] continues.
//!
//! [`plan`] reads them from the graph. The pooling is not read from the graph but assumed to be mean and standard
//! deviation, so a caller must compare the result with that of the whole network once.

mod feature_map;
mod im2col;
mod plan;
mod winograd;

use std::sync::Arc;

use rten::ThreadPool;
use rten_gemm::{GemmError, GemmExecutor};

use super::outline::{Node, Outline, outline, parse};
use super::{InferenceError, Lanes, guarded};
use feature_map::{Epilogue, FeatureMap};
use im2col::Im2col;
use plan::Step;
use winograd::Winograd;

/// The most frames that callers run at once, with a margin; and the most numbers of one value for them (256 MiB).
const MOST_FRAMES: usize = 2048;
const MAX_VALUE: usize = 1 << 26;

enum Convolution {
    Winograd(Winograd),
    Im2col(Im2col),
}

/// The trunk of one network.
pub struct Trunk {
    convolutions: Vec<Convolution>,
    steps: Vec<Step>,
    values: usize,
    bands: usize,
    frames_per_column: usize,
    /// Shape of a column: frequencies and channels.
    column: (usize, usize),
    end: String,
    pooled: Option<String>,
    lanes: Lanes,
}

impl std::fmt::Debug for Trunk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Trunk").field("steps", &self.steps.len()).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Trunk {
    /// Extracts the trunk of a network that takes frames of `bands` values; `None` if it has no supported one.
    #[must_use]
    pub fn find(model: &[u8], bands: usize, lanes: &Lanes) -> Option<Self> {
        let graph = parse(model).ok()?;
        let outline = outline(&graph)?;
        let plan = plan::plan(&outline)?;
        let gemm = GemmExecutor::new();
        // Frequencies, frames per column and channels of each value, relative to the input.
        let mut sizes: Vec<(usize, usize, usize)> = vec![(bands, 1, 1); plan.values];
        let mut convolutions = Vec::new();
        for step in &plan.steps {
            let (height, frames, channels_in) = sizes[step.input];
            let (convolution, channels, strides) = convolution(&outline, &outline.nodes[step.node], channels_in, &gemm)?;
            sizes[step.output] = (height.div_ceil(strides.0), frames.checked_mul(strides.1)?, channels);
            let (rows, frames, _) = sizes[step.output];
            if rows.checked_mul(MOST_FRAMES.div_ceil(frames))?.checked_mul(channels)? > MAX_VALUE {
                return None;
            }
            if step.add.is_some_and(|add| sizes[add] != sizes[step.output]) {
                return None;
            }
            convolutions.push(convolution);
        }
        let (height, frames_per_column, channels) = *sizes.last()?;
        let pooled = plan::pooled(&outline, 2 * height * channels).map(str::to_owned);
        Some(Self {
            convolutions,
            steps: plan.steps,
            values: plan.values,
            bands,
            frames_per_column,
            column: (height, channels),
            end: plan.end.to_owned(),
            pooled,
            lanes: lanes.clone(),
        })
    }

    /// Number of input frames per column of the output.
    #[must_use]
    pub fn frames_per_column(&self) -> usize {
        self.frames_per_column
    }

    /// Number of values per column.
    #[must_use]
    pub fn width(&self) -> usize {
        self.column.0 * self.column.1
    }

    /// Name of the graph value that holds a speaker's pooled statistics: the means of all values of its columns, then
    /// their standard deviations. `None` if other layers come before the pooling.
    #[must_use]
    pub fn pooled(&self) -> Option<&str> {
        self.pooled.as_deref()
    }

    /// Name of the graph value that the trunk computes.
    #[must_use]
    pub fn end(&self) -> &str {
        &self.end
    }

    /// Computes the columns of consecutive frames, concatenated.
    ///
    /// # Errors
    /// When `frames` is empty or not a whole number of frames, or the computation fails.
    pub fn columns(&self, lane: usize, frames: &[f32]) -> Result<Vec<f32>, InferenceError> {
        self.compute(lane, frames).map(|map| columns_of(&map))
    }

    fn compute(&self, lane: usize, frames: &[f32]) -> Result<FeatureMap, InferenceError> {
        if frames.is_empty() || !frames.len().is_multiple_of(self.bands) {
            return Err(InferenceError::Run("the trunk takes whole frames".to_owned()));
        }
        let pool: Arc<ThreadPool> = self.lanes.pool(lane);
        guarded(|| pool.run(|| self.run(frames)).map_err(|error| error.to_string())).map_err(InferenceError::Run)
    }

    fn run(&self, frames: &[f32]) -> Result<FeatureMap, GemmError> {
        // Chosen by the processor alone, so it matches the one for which the weights were packed.
        let gemm = GemmExecutor::new();
        let mut input = FeatureMap::zeros(self.bands, frames.len() / self.bands, 1);
        for (column, frame) in frames.chunks_exact(self.bands).enumerate() {
            for (row, value) in frame.iter().enumerate() {
                let place = input.place(row, column);
                input.values[place] = *value;
            }
        }
        let mut values: Vec<Option<FeatureMap>> = vec![None; self.values];
        values[0] = Some(input);
        for (index, (step, convolution)) in self.steps.iter().zip(&self.convolutions).enumerate() {
            let Some(input) = &values[step.input] else { continue };
            let epilogue = Epilogue { add: step.add.and_then(|add| values[add].as_ref()), relu: step.relu };
            let output = match convolution {
                Convolution::Winograd(tiles) => tiles.run(&gemm, input, &epilogue)?,
                Convolution::Im2col(patches) => patches.run(&gemm, input, &epilogue)?,
            };
            values[step.output] = Some(output);
            // Free every value that no later step needs.
            let later = &self.steps[index + 1..];
            for value in [Some(step.input), step.add].into_iter().flatten() {
                if !later.iter().any(|step| step.input == value || step.add == Some(value)) {
                    values[value] = None;
                }
            }
        }
        Ok(values.pop().flatten().unwrap_or_else(|| FeatureMap::zeros(0, 0, 0)))
    }
}

/// Each column as the graph lays it out: all frequencies of a channel, channel by channel.
fn columns_of(map: &FeatureMap) -> Vec<f32> {
    let mut columns = Vec::with_capacity(map.width * map.height * map.channels);
    for column in 0..map.width {
        for channel in 0..map.channels {
            columns.extend((0..map.height).map(|row| map.at(row, column)[channel]));
        }
    }
    columns
}

/// Builds the convolution of a node; returns it with its number of channels and its strides. `None` for an unsupported
/// one.
fn convolution(
    outline: &Outline<'_>,
    node: &Node<'_>,
    channels_in: usize,
    gemm: &GemmExecutor,
) -> Option<(Convolution, usize, (usize, usize))> {
    let kernel = outline.constants.get(node.inputs.get(1)?)?;
    let [channels, from, size, other_size] = kernel.shape[..] else { return None };
    let whole = |name: &str, default: i64| node.integers(name).map_or_else(|| vec![default; 2], <[i64]>::to_vec);
    let pads = node.integers("pads").map_or_else(|| vec![0; 4], <[i64]>::to_vec);
    let usual = from == channels_in
        && size == other_size
        && matches!(size, 1 | 3)
        && pads.iter().all(|pad| usize::try_from(*pad).is_ok_and(|pad| pad == size / 2))
        && whole("dilations", 1) == [1, 1]
        && node.integers("group").is_none_or(|group| group == [1]);
    let strides: Vec<usize> = whole("strides", 1).into_iter().filter_map(|stride| usize::try_from(stride).ok()).collect();
    let [down @ 1..=4, along @ 1..=4] = strides[..] else { return None };
    let weights = kernel.floats().filter(|_| usual)?;
    let bias = match node.inputs.get(2) {
        Some(name) => outline.constants.get(name)?.floats().filter(|bias| bias.len() == channels)?,
        None => vec![0.0; channels],
    };
    let in_tiles = size == 3
        && (down, along) == (1, 1)
        && channels.is_multiple_of(winograd::CHANNELS)
        && channels_in.is_multiple_of(winograd::CHANNELS);
    let convolution = if in_tiles {
        Convolution::Winograd(Winograd::new(gemm, &weights, bias, channels_in))
    } else {
        Convolution::Im2col(Im2col::new(gemm, &weights, bias, (channels_in, size), (down, along)))
    };
    Some((convolution, channels, (down, along)))
}
