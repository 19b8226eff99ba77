//! Context-aware masking: a factor from 0 to 1 for each channel, from the means over all frames and over a stretch of them.
//!
//! Source: H. Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking", 2023.

/// Two layers from the context to the factors; weights with a row for each output, and biases.
pub(super) struct Mask {
    pub(super) first: (Vec<f32>, Vec<f32>),
    pub(super) second: (Vec<f32>, Vec<f32>),
    /// Frames per stretch with factors of its own.
    pub(super) segment: usize,
}

impl Mask {
    /// The factors of each stretch of rows of `width` values.
    pub(super) fn factors(&self, rows: &[f32], width: usize) -> Vec<Vec<f32>> {
        let all = mean(rows, width);
        let factors = |rows: &[f32]| {
            let context: Vec<f32> = mean(rows, width).iter().zip(&all).map(|(here, all)| here + all).collect();
            let narrow: Vec<f32> = layer(&self.first, &context).map(|value| value.max(0.0)).collect();
            layer(&self.second, &narrow).map(|value| 1.0 / (1.0 + (-value).exp())).collect()
        };
        rows.chunks(self.segment * width).map(factors).collect()
    }
}

fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let count = (rows.len() / width) as f32;
    sums.into_iter().map(|sum| sum / count).collect()
}

fn layer((weights, bias): &(Vec<f32>, Vec<f32>), values: &[f32]) -> impl Iterator<Item = f32> {
    weights.chunks_exact(values.len()).zip(bias).map(|(row, bias)| {
        // Eight sums, so that the compiler may use vectors.
        let mut sums = [0.0_f32; 8];
        for (row, values) in row.chunks(8).zip(values.chunks(8)) {
            for ((sum, weight), value) in sums.iter_mut().zip(row).zip(values) {
                *sum += weight * value;
            }
        }
        sums.iter().sum::<f32>() + bias
    })
}
