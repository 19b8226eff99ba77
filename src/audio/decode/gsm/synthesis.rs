//! Synthesizes 160 samples from the parameters of a frame (clauses 5.2.15 to 5.2.17 and 5.3): pulses, long-term
//! prediction (pitch), the short-term synthesis filter (vocal tract), and de-emphasis.

use super::arithmetic::{add, mult_r, sub};
use super::parameters::{FrameParameters, Quarter};

/// Samples per quarter of a frame.
const QUARTER: usize = 40;
/// The longest pitch lag in samples, and the length of the stored excitation.
const LONGEST_LAG: usize = 120;
/// Valid pitch lags in samples.
const LAGS: std::ops::RangeInclusive<u8> = 40..=120;

/// Gains of the long-term prediction, as 15-bit fractions (table 5.3b).
const GAINS: [i16; 4] = [3_277, 11_469, 21_299, 32_767];
/// Mantissas of the pulse amplitude (table 5.6).
const MANTISSAS: [i16; 8] = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767];

/// Decoding of each ratio (table 5.1, and the inverse of A in 5.2.8): smallest code, offset, inverse slope.
const RATIOS: [(i16, i16, i16); 8] = [
    (-32, 0, 13_107),
    (-32, 0, 13_107),
    (-16, 2_048, 13_107),
    (-16, -2_560, 13_107),
    (-8, 94, 19_223),
    (-8, -1_792, 17_476),
    (-4, -341, 31_454),
    (-4, -1_144, 29_708),
];

/// De-emphasis coefficient, as a 15-bit fraction.
const EMPHASIS: i16 = 28_180;

/// Decoder state between frames.
pub(super) struct Synthesis {
    /// The excitation of the last 120 samples.
    past: [i16; LONGEST_LAG],
    /// The last valid pitch lag.
    lag: usize,
    /// The previous frame's log area ratios.
    ratios: [i16; 8],
    /// The state of the lattice filter.
    lattice: [i16; 9],
    /// The last output of the de-emphasis.
    emphasised: i16,
}

impl Default for Synthesis {
    fn default() -> Self {
        Self { past: [0; LONGEST_LAG], lag: 40, ratios: [0; 8], lattice: [0; 9], emphasised: 0 }
    }
}

impl Synthesis {
    /// Synthesizes the samples of the next frame.
    pub(super) fn frame(&mut self, parameters: &FrameParameters) -> [i16; 160] {
        let mut samples = [0; 160];
        for (quarter, excitation) in parameters.quarters.iter().zip(samples.as_chunks_mut::<QUARTER>().0) {
            *excitation = self.excitation(quarter);
        }
        self.shape(decoded_ratios(parameters), &mut samples);
        for sample in &mut samples {
            self.emphasised = add(*sample, mult_r(self.emphasised, EMPHASIS));
            // The standard defines 13-bit samples.
            *sample = add(self.emphasised, self.emphasised) & !7;
        }
        samples
    }

    /// Long-term prediction: the pulses plus the excitation one pitch lag ago.
    fn excitation(&mut self, quarter: &Quarter) -> [i16; QUARTER] {
        if LAGS.contains(&quarter.lag) {
            self.lag = usize::from(quarter.lag);
        }
        let gain = GAINS[usize::from(quarter.gain & 3)];
        let mut excitation = pulses(quarter);
        for (index, sample) in excitation.iter_mut().enumerate() {
            // No lag is shorter than a quarter, so all of it lies in the past.
            *sample = add(*sample, mult_r(gain, self.past[LONGEST_LAG - self.lag + index]));
        }
        self.past.copy_within(QUARTER.., 0);
        self.past[LONGEST_LAG - QUARTER..].copy_from_slice(&excitation);
        excitation
    }

    /// Short-term synthesis: the ratios are interpolated from the previous frame in three steps.
    fn shape(&mut self, ratios: [i16; 8], samples: &mut [i16; 160]) {
        let before = std::mem::replace(&mut self.ratios, ratios);
        let between = |mix: fn(i16, i16) -> i16| std::array::from_fn(|index| reflection(mix(before[index], ratios[index])));
        let steps: [(std::ops::Range<usize>, [i16; 8]); 4] = [
            (0..13, between(|old, new| add(add(old >> 2, new >> 2), old >> 1))),
            (13..27, between(|old, new| add(old >> 1, new >> 1))),
            (27..40, between(|old, new| add(add(old >> 2, new >> 2), new >> 1))),
            (40..160, between(|_, new| new)),
        ];
        for (range, reflections) in steps {
            for sample in &mut samples[range] {
                *sample = self.through_lattice(&reflections, *sample);
            }
        }
    }

    fn through_lattice(&mut self, reflections: &[i16; 8], excitation: i16) -> i16 {
        let mut sample = excitation;
        for index in (0..8).rev() {
            sample = sub(sample, mult_r(reflections[index], self.lattice[index]));
            self.lattice[index + 1] = add(self.lattice[index], mult_r(reflections[index], sample));
        }
        self.lattice[0] = sample;
        sample
    }
}

/// The pulses of a quarter at every third sample; their amplitude is a small floating-point number.
fn pulses(quarter: &Quarter) -> [i16; QUARTER] {
    let (exponent, mantissa) = height(i16::from(quarter.height));
    let shift = 6 - exponent;
    let rounding = if shift > 0 { 1 << (shift - 1) } else { 0 };
    let mut samples = [0; QUARTER];
    for (index, pulse) in quarter.pulses.iter().enumerate() {
        let unscaled = mult_r(mantissa, (2 * i16::from(*pulse) - 7) << 12);
        // The grid is below four, and 3 + 3 * 12 is inside the quarter.
        samples[usize::from(quarter.grid & 3) + 3 * index] = add(unscaled, rounding) >> shift;
    }
    samples
}

/// Decodes an amplitude code into exponent and mantissa.
fn height(code: i16) -> (i16, i16) {
    let mut exponent = if code > 15 { (code >> 3) - 1 } else { 0 };
    let mut mantissa = code - (exponent << 3);
    if mantissa == 0 {
        (exponent, mantissa) = (-4, 7);
    } else {
        while mantissa <= 7 {
            mantissa = mantissa << 1 | 1;
            exponent -= 1;
        }
        mantissa -= 8;
    }
    (exponent, MANTISSAS[(mantissa & 7) as usize])
}

/// Decodes the log area ratios.
fn decoded_ratios(parameters: &FrameParameters) -> [i16; 8] {
    std::array::from_fn(|index| {
        let (least, offset, slope) = RATIOS[index];
        let centred = sub((i16::from(parameters.ratios[index]) + least) << 10, offset << 1);
        let ratio = mult_r(slope, centred);
        add(ratio, ratio)
    })
}

/// The reflection coefficient of a ratio, by piecewise linear approximation.
fn reflection(ratio: i16) -> i16 {
    let size = ratio.saturating_abs();
    let coefficient = if size < 11_059 {
        size << 1
    } else if size < 20_070 {
        size + 11_059
    } else {
        add(size >> 2, 26_112)
    };
    if ratio < 0 { -coefficient } else { coefficient }
}
