//! Two-dimensional feature maps, the input and output of convolutions.

/// Side of the output tiles that [`super::winograd`] computes.
pub(super) const TILE: usize = 4;

/// A feature map in row-major order with interleaved channels, inside a border of zeros wide enough for a 3x3 kernel
/// and for whole tiles.
#[derive(Debug, Clone)]
pub(super) struct FeatureMap {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Distance between the starts of two rows, in values.
    pub(super) stride: usize,
    pub(super) values: Vec<f32>,
}

impl FeatureMap {
    pub(super) fn zeros(height: usize, width: usize, channels: usize) -> Self {
        let stride = (width.next_multiple_of(TILE) + 2) * channels;
        let rows = height.next_multiple_of(TILE) + 2;
        Self { height, width, channels, stride, values: vec![0.0; rows * stride] }
    }

    /// Index of the first channel at a position.
    pub(super) fn place(&self, row: usize, column: usize) -> usize {
        (row + 1) * self.stride + (column + 1) * self.channels
    }

    /// The channels at a position.
    pub(super) fn at(&self, row: usize, column: usize) -> &[f32] {
        let place = self.place(row, column);
        &self.values[place..place + self.channels]
    }

    /// Writes the channels at a position, after the operations of the epilogue.
    pub(super) fn put(&mut self, row: usize, column: usize, values: &mut [f32], epilogue: &Epilogue<'_>) {
        let place = self.place(row, column);
        epilogue.apply(place, values);
        self.values[place..place + values.len()].copy_from_slice(values);
    }
}

/// Operations fused into the end of a convolution.
pub(super) struct Epilogue<'a> {
    /// Adds this map, which has the same size (a residual connection).
    pub(super) add: Option<&'a FeatureMap>,
    /// Replaces negative values by zero.
    pub(super) relu: bool,
}

impl Epilogue<'_> {
    /// Applies the operations to the channels at one position.
    fn apply(&self, place: usize, values: &mut [f32]) {
        if let Some(other) = self.add {
            for (value, other) in values.iter_mut().zip(&other.values[place..]) {
                *value += other;
            }
        }
        if self.relu {
            for value in values {
                *value = value.max(0.0);
            }
        }
    }
}
