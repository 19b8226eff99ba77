//! A signal without what leaks into it from others: subtracted when it is read, so that nothing of its size is kept.

use std::ops::Range;

use super::signal::{Audio, SignalError, clean};

/// What one signal leaves in another: a short filter of it, some time later.
#[derive(Clone)]
pub(super) struct Leak {
    /// The signal that leaks.
    pub(super) from: Audio,
    /// Samples between a sample and the first that it leaves; may be negative, by a little.
    pub(super) delay: isize,
    /// How much of it each of the next samples has.
    pub(super) taps: Vec<f32>,
}

/// The signal and what leaks into it.
pub(super) struct LeakRemoved {
    pub(super) own: Audio,
    pub(super) leaks: Vec<Leak>,
}

impl LeakRemoved {
    pub(super) fn read(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let mut samples = self.own.read(range.clone())?.into_owned();
        for leak in &self.leaks {
            let heard = leak.heard(range.clone())?;
            samples.iter_mut().zip(heard).for_each(|(sample, heard)| *sample -= heard);
        }
        for sample in &mut samples {
            *sample = clean(*sample);
        }
        Ok(samples)
    }
}

impl Leak {
    /// What is heard of it in a range of the other signal.
    pub(super) fn heard(&self, range: Range<usize>) -> Result<Vec<f32>, SignalError> {
        let reach = self.taps.len().max(1) - 1;
        // The samples that leave something in the range begin so far before it; before the first there is silence.
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
    fn what_is_heard_is_delayed_and_filtered_and_silent_around() {
        close(&leak(2, &[1.0]).heard(0..6).unwrap(), &[0.0, 0.0, 0.1, 0.2, 0.3, 0.4]);
        close(&leak(-1, &[1.0]).heard(0..5).unwrap(), &[0.2, 0.3, 0.4, 0.0, 0.0]);
        close(&leak(0, &[1.0, 0.5]).heard(1..4).unwrap(), &[0.25, 0.4, 0.55]);
        close(&leak(100, &[1.0]).heard(0..3).unwrap(), &[0.0; 3]);
        close(&leak(0, &[1.0]).heard(50..52).unwrap(), &[0.0; 2]);
    }

    #[test]
    fn reading_in_parts_is_reading_at_once() {
        let own = Audio::new(vec![0.5; 6]);
        let cleaned = own.less(vec![leak(1, &[0.5, -0.25])]);
        let whole = cleaned.read(0..6).unwrap().into_owned();
        close(&whole, &[0.5, 0.45, 0.425, 0.4, 0.375, 0.6]);
        for at in 0..6 {
            close(&cleaned.read(at..at + 1).unwrap(), &whole[at..=at]);
        }
    }
}
