//! A signal with the leakage from other signals removed. It is subtracted on reading, so no cleaned copy is stored.

use std::ops::Range;

use super::signal::{Audio, SignalError, clean};

/// The leakage of one signal into another: a delay and a short FIR filter.
#[derive(Clone)]
pub(super) struct Leak {
    /// The signal that leaks.
    pub(super) from: Audio,
    /// Delay of the first filter tap, in samples; may be slightly negative.
    pub(super) delay: isize,
    /// Coefficients of the FIR filter.
    pub(super) taps: Vec<f32>,
}

/// A signal and the leaks to subtract from it.
pub(super) struct LeakRemoved {
    pub(super) own: Audio,
    pub(super) leaks: Vec<Leak>,
}

impl LeakRemoved {
    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let mut samples = self.own.read(range.clone())?.into_owned();
        for leak in &self.leaks {
            let leaked = leak.leaked(range.clone())?;
            samples.iter_mut().zip(leaked).for_each(|(sample, leaked)| *sample -= leaked);
        }
        for sample in &mut samples {
            *sample = clean(*sample);
        }
        Ok(samples)
    }
}

impl Leak {
    /// The leaked samples in a range of the other signal.
    pub(super) fn leaked(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let reach = self.taps.len().max(1) - 1;
        // The filter needs this many source samples before the range; before the first sample there is silence.
        let first = range.start.cast_signed() - self.delay - reach.cast_signed();
        let last = range.end.cast_signed() - self.delay;
        let (from, to) = (first.max(0).cast_unsigned(), last.max(0).cast_unsigned());
        let mut source = vec![0.0; (from.cast_signed() - first).cast_unsigned().min(range.len() + reach)];
        if from < to {
            source.extend_from_slice(&self.from.read(from..to)?);
        }
        source.resize(range.len() + reach, 0.0);
        let backwards: Vec<f32> = self.taps.iter().rev().copied().collect();
        Ok(source.windows(backwards.len().max(1)).map(|window| window.iter().zip(&backwards).map(|(a, b)| a * b).sum()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leak(delay: isize, taps: &[f32]) -> Leak {
        Leak { from: Audio::new(vec![0.1, 0.2, 0.3, 0.4]), delay, taps: taps.to_vec() }
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}");
    }

    #[test]
    fn leaks_are_delayed_filtered_and_silent_outside() {
        close(&leak(2, &[1.0]).leaked(0..6).unwrap(), &[0.0, 0.0, 0.1, 0.2, 0.3, 0.4]);
        close(&leak(-1, &[1.0]).leaked(0..5).unwrap(), &[0.2, 0.3, 0.4, 0.0, 0.0]);
        close(&leak(0, &[1.0, 0.5]).leaked(1..4).unwrap(), &[0.25, 0.4, 0.55]);
        close(&leak(100, &[1.0]).leaked(0..3).unwrap(), &[0.0; 3]);
        close(&leak(0, &[1.0]).leaked(50..52).unwrap(), &[0.0; 2]);
    }

    #[test]
    fn reading_in_parts_is_reading_at_once() {
        let own = Audio::new(vec![0.5; 6]);
        let cleaned = own.without_leaks(vec![leak(1, &[0.5, -0.25])]);
        let whole = cleaned.read(0..6).unwrap().into_owned();
        close(&whole, &[0.5, 0.45, 0.425, 0.4, 0.375, 0.6]);
        for at in 0..6 {
            close(&cleaned.read(at..at + 1).unwrap(), &whole[at..=at]);
        }
    }
}
