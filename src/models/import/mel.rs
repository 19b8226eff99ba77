//! The mel filters that a ggml Whisper file carries.
//!
//! They are librosa's `filters.mel(sr=16000, n_fft=400)` with its defaults (Slaney's scale, area norm), which OpenAI stored as
//! `mel_filters.npz`. The result must match those numbers bit for bit, including where 64 bits are rounded to 32: do not simplify
//! the arithmetic.

/// The number of bins of a 400-point Fourier transform.
pub(super) const BINS: usize = 201;

const SAMPLE_RATE: f64 = 16_000.0;
const WINDOW: f64 = 400.0;
/// Slaney's scale is linear below 1 kHz, with 200/3 Hz per mel, and logarithmic above, with 27 mel for a factor of 6.4.
const LINEAR_HZ_PER_MEL: f64 = 200.0 / 3.0;
const LOG_START_HZ: f64 = 1000.0;

/// The filters, band after band, [`BINS`] values each.
pub(super) fn filters(bands: usize) -> Vec<f32> {
    let edges = edges(bands);
    let bin_width = 1.0 / (WINDOW * (1.0 / SAMPLE_RATE));
    let mut filters = Vec::with_capacity(bands * BINS);
    for edge in edges.windows(3) {
        let (start, centre, end) = (edge[0], edge[1], edge[2]);
        let area_norm = 2.0 / (end - start);
        for bin in 0..BINS {
            let frequency = bin as f64 * bin_width;
            let rising = -(start - frequency) / (centre - start);
            let falling = (end - frequency) / (end - centre);
            let height = rising.min(falling);
            // Numpy yields a negative zero where a triangle starts on a bin, as the first one does at 0 Hz. Spelled out, since
            // neither `max` nor the optimizer guarantees the sign of a zero.
            let triangle = match height {
                height if height > 0.0 => height as f32,
                _ if rising == 0.0 => -0.0,
                _ => 0.0,
            };
            filters.push((f64::from(triangle) * area_norm) as f32);
        }
    }
    filters
}

/// The corners of the triangles in Hz, equally spaced in mel.
fn edges(bands: usize) -> Vec<f64> {
    let log_step = 6.4_f64.ln() / 27.0;
    let log_start_mel = LOG_START_HZ / LINEAR_HZ_PER_MEL;
    let top = log_start_mel + (SAMPLE_RATE / 2.0 / LOG_START_HZ).ln() / log_step;
    let step = top / (bands + 1) as f64;
    (0..bands + 2)
        .map(|index| {
            let mel = if index == bands + 1 { top } else { index as f64 * step };
            if mel >= log_start_mel { LOG_START_HZ * (log_step * (mel - log_start_mel)).exp() } else { LINEAR_HZ_PER_MEL * mel }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use sha2::{Digest, Sha256};

    use super::*;

    fn hash(bands: usize) -> String {
        let bytes: Vec<u8> = filters(bands).iter().flat_map(|value| value.to_le_bytes()).collect();
        HEXLOWER.encode(&Sha256::digest(bytes))
    }

    /// The hashes of the arrays in OpenAI's `mel_filters.npz`.
    #[test]
    fn the_filters_are_openais_bit_for_bit() {
        assert_eq!(hash(80), "4f2701b1d287d74a0dc9871026e9519d98cb76426615f2539b0d151a0ae4ec2e");
        assert_eq!(hash(128), "2a5f9822897750e047c85dea37cc268d3be0ecfd23c28a5f10da129d99d05afe");
    }
}
