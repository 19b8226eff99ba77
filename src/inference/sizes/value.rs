//! What is known about a value of a graph before the graph runs: its shape, and its numbers where those are few and whole.

/// Numbers are followed up to this many: shapes, axes, pads and indices have fewer.
const MAX_FOLLOWED: usize = 1024;
/// More dimensions than any network's values have.
const MAX_RANK: usize = 8;

/// What is known about one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) shape: Vec<usize>,
    /// The numbers, if they are whole, few, and do not depend on the recording.
    pub(super) numbers: Option<Vec<i64>>,
}

impl Known {
    /// A value of this shape with unknown numbers.
    ///
    /// # Errors
    /// When the shape is none of a network's.
    pub(super) fn of(shape: Vec<usize>) -> Result<Self, String> {
        if shape.len() > MAX_RANK || shape.iter().any(|size| i32::try_from(*size).is_err()) {
            return Err(format!("a value of the impossible shape {:?}", &shape[..shape.len().min(MAX_RANK)]));
        }
        Ok(Self { shape, numbers: None })
    }

    /// The same with these numbers. They are forgotten if there are many, or if one does not fit into 32 bits: the runtime
    /// computes with no more, and would wrap around.
    pub(super) fn with(mut self, numbers: Option<Vec<i64>>) -> Self {
        let fits = |numbers: &Vec<i64>| {
            numbers.len() <= MAX_FOLLOWED
                && numbers.len() as u64 == self.elements()
                && numbers.iter().all(|number| i32::try_from(*number).is_ok())
        };
        self.numbers = numbers.filter(fits);
        self
    }

    /// A list of numbers.
    pub(super) fn list(numbers: Vec<i64>) -> Self {
        Self { shape: vec![numbers.len()], numbers: None }.with(Some(numbers))
    }

    /// The number of elements; saturates.
    pub(super) fn elements(&self) -> u64 {
        product(&self.shape)
    }

    pub(super) fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The dimension that an attribute means, which may count from the end.
    pub(super) fn axis(&self, axis: i64) -> Result<usize, String> {
        resolved(axis, self.rank())
    }
}

/// The product of sizes; saturates.
pub(super) fn product(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |product: u64, size| product.saturating_mul(*size as u64))
}

/// A dimension among `rank`, counted from the start or with a negative number from the end.
pub(super) fn resolved(axis: i64, rank: usize) -> Result<usize, String> {
    let rank_number = i64::try_from(rank).unwrap_or(0);
    let from_start = if axis < 0 { axis.saturating_add(rank_number) } else { axis };
    usize::try_from(from_start).ok().filter(|axis| *axis < rank).ok_or_else(|| format!("there is no axis {axis} of {rank}"))
}

/// A size as a number; saturates.
pub(super) fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A size from a number.
pub(super) fn size(number: i64) -> Result<usize, String> {
    usize::try_from(number).map_err(|_| format!("a size of {number}"))
}

/// The shape of the result of an operation on each pair of elements.
pub(super) fn broadcast(one: &[usize], other: &[usize]) -> Result<Vec<usize>, String> {
    let rank = one.len().max(other.len());
    let at = |shape: &[usize], place: usize| (place + shape.len()).checked_sub(rank).map_or(1, |place| shape[place]);
    (0..rank)
        .map(|place| match (at(one, place), at(other, place)) {
            (one, other) if one == other => Ok(one),
            (1, size) | (size, 1) => Ok(size),
            (one, other) => Err(format!("sizes {one} and {other} do not fit together")),
        })
        .collect()
}
