//! Values on a plane of two dimensions, as convolutions take and give them.

/// Side of the tiles that [`super::winograd`] computes at once.
pub(super) const TILE: usize = 4;

/// A plane with so many values (channels) a place, row by row, within a border of zeros wide enough for a 3x3 kernel and for
/// whole tiles.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Values from the start of one row to that of the next.
    pub(super) stride: usize,
    pub(super) values: Vec<f32>,
}

impl Plane {
    pub(super) fn zeros(height: usize, width: usize, channels: usize) -> Self {
        let stride = (width.next_multiple_of(TILE) + 2) * channels;
        let rows = height.next_multiple_of(TILE) + 2;
        Self { height, width, channels, stride, values: vec![0.0; rows * stride] }
    }

    /// Where the channels of a place begin.
    pub(super) fn place(&self, row: usize, column: usize) -> usize {
        (row + 1) * self.stride + (column + 1) * self.channels
    }

    /// The channels of a place.
    pub(super) fn at(&self, row: usize, column: usize) -> &[f32] {
        let place = self.place(row, column);
        &self.values[place..place + self.channels]
    }
}

/// What is done to the sums of a convolution.
pub(super) struct Ending<'a> {
    /// A plane of the same size is added.
    pub(super) add: Option<&'a Plane>,
    /// What is negative becomes zero.
    pub(super) positive: bool,
}

impl Ending<'_> {
    /// Ends the channels of one place.
    pub(super) fn apply(&self, place: usize, values: &mut [f32]) {
        if let Some(other) = self.add {
            for (value, other) in values.iter_mut().zip(&other.values[place..]) {
                *value += other;
            }
        }
        if self.positive {
            for value in values {
                *value = value.max(0.0);
            }
        }
    }
}
