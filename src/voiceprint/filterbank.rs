//! Triangular mel filterbanks: Slaney's, as in librosa, and Kaldi's.
//!
//! Source: M. Slaney, "Auditory Toolbox", Interval Research technical report 1998-010: the scale is linear below 1 kHz
//! and logarithmic above, and each triangle has unit area in Hz.

/// Triangular filters over the bins of a power spectrum; each is stored as its first bin and its non-zero weights.
#[derive(Debug, Clone)]
pub(super) struct FilterBank {
    filters: Vec<(usize, Vec<f32>)>,
}

impl FilterBank {
    /// `bands` filters from 0 Hz to half of `sample_rate`, for an FFT of `transform_length` samples.
    pub(super) fn slaney(sample_rate: u32, transform_length: usize, bands: usize) -> Self {
        let highest = f64::from(sample_rate) / 2.0;
        let bin_width = f64::from(sample_rate) / transform_length as f64;
        let step = hz_to_mel(highest) / (bands + 1) as f64;
        let edges: Vec<f64> = (0..bands + 2).map(|index| mel_to_hz(step * index as f64)).collect();
        let filters = edges.windows(3).map(|edge| triangle(edge, bin_width, transform_length / 2 + 1)).collect();
        Self { filters }
    }

    /// `bands` triangles of height 1 on Kaldi's mel scale, from `lowest` (Hz) to half of `sample_rate`. The Nyquist bin
    /// belongs to no filter.
    pub(super) fn kaldi(sample_rate: u32, transform_length: usize, bands: usize, lowest: f64) -> Self {
        let mel = |hz: f64| 1127.0 * (hz / 700.0).ln_1p();
        let bin_width = f64::from(sample_rate) / transform_length as f64;
        let from = mel(lowest);
        let step = (mel(f64::from(sample_rate) / 2.0) - from) / (bands + 1) as f64;
        let filter = |band: usize| {
            let centre = from + step * (band + 1) as f64;
            let weight = |bin: usize| (1.0 - (mel(bin as f64 * bin_width) - centre).abs() / step).max(0.0);
            let first = (0..transform_length / 2).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
            let weights = (first..transform_length / 2).map(weight).take_while(|weight| *weight > 0.0);
            (first, weights.map(|weight| weight as f32).collect())
        };
        Self { filters: (0..bands).map(filter).collect() }
    }

    /// Writes the energy of each band to `bands`.
    pub(super) fn apply(&self, power: &[f32], bands: &mut [f32]) {
        for (band, (first, weights)) in bands.iter_mut().zip(&self.filters) {
            *band = weights.iter().zip(power.iter().skip(*first)).map(|(weight, power)| weight * power).sum();
        }
    }

    pub(super) fn bands(&self) -> usize {
        self.filters.len()
    }
}

fn triangle(edge: &[f64], bin_width: f64, bins: usize) -> (usize, Vec<f32>) {
    let weight = |bin: usize| {
        let hz = bin as f64 * bin_width;
        let rising = (hz - edge[0]) / (edge[1] - edge[0]);
        let falling = (edge[2] - hz) / (edge[2] - edge[1]);
        rising.min(falling).max(0.0) * 2.0 / (edge[2] - edge[0])
    };
    let first = (0..bins).find(|bin| weight(*bin) > 0.0).unwrap_or(0);
    (first, (first..bins).map(weight).take_while(|weight| *weight > 0.0).map(|weight| weight as f32).collect())
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz >= 1000.0 { 15.0 + (hz / 1000.0).ln() * 27.0 / 6.4_f64.ln() } else { hz * 3.0 / 200.0 }
}

fn mel_to_hz(mel: f64) -> f64 {
    if mel >= 15.0 { 1000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp() } else { mel * 200.0 / 3.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_its_own_inverse() {
        for hz in [0.0, 440.0, 999.0, 1000.0, 3400.0, 8000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9);
        }
    }

    #[test]
    fn each_triangle_has_unit_area() {
        // 40 bands on 1025 bins: fine enough for the sum over bins to approach the integral.
        let bank = FilterBank::slaney(16_000, 2048, 40);
        for (_, weights) in &bank.filters {
            let area: f32 = weights.iter().sum::<f32>() * 16_000.0 / 2048.0;
            assert!((area - 1.0).abs() < 0.03, "{area}");
        }
    }
}
