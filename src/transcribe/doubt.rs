//! Decides whether a decoded text is doubtful and should be decoded again. These are the tests of the Whisper paper (Radford et al.
//! 2022, section 4.5) as whisper.cpp has them, with entropy instead of the paper's compression ratio. Pure.

/// Below this mean log probability of its tokens a text is a guess.
const LEAST_LOG_PROBABILITY: f32 = -1.0;
/// Above this no-speech probability a low log probability is expected, and the text is not doubted.
const NO_SPEECH: f32 = 0.6;
/// The number of tokens at the end that are checked for repetition, and the entropy in nats below which they repeat themselves.
const LAST: usize = 32;
const LEAST_ENTROPY: f32 = 2.4;

/// Collects the tokens of one pass.
#[derive(Debug, Default)]
pub(super) struct Doubt {
    tokens: Vec<i32>,
    log_probabilities: f32,
}

impl Doubt {
    pub(super) fn token(&mut self, id: i32, probability: f32) {
        self.tokens.push(id);
        self.log_probabilities += probability.max(f32::MIN_POSITIVE).ln();
    }

    /// `most` is the number of tokens at which the model is cut off, `no_speech` its probability that there is no speech.
    pub(super) fn is_justified(&self, most: usize, no_speech: f32) -> bool {
        let count = self.tokens.len();
        let guessed = count > 0 && self.log_probabilities / (count as f32) < LEAST_LOG_PROBABILITY && no_speech < NO_SPEECH;
        guessed || count >= most || (count > LAST && entropy(&self.tokens[count - LAST..]) < LEAST_ENTROPY)
    }
}

/// The entropy of the distribution of tokens, in nats.
fn entropy(tokens: &[i32]) -> f32 {
    let mut sorted = tokens.to_vec();
    sorted.sort_unstable();
    let share = |group: &[i32]| group.len() as f32 / tokens.len() as f32;
    -sorted.chunk_by(PartialEq::eq).map(|group| share(group) * share(group).ln()).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(tokens: impl IntoIterator<Item = i32>, probability: f32) -> Doubt {
        let mut doubt = Doubt::default();
        for id in tokens {
            doubt.token(id, probability);
        }
        doubt
    }

    #[test]
    fn confident_and_varied_text_is_accepted() {
        assert!(!doubt(0..60, 0.9).is_justified(usize::MAX, 0.0));
        assert!(!doubt([7; 30], 0.9).is_justified(usize::MAX, 0.0), "thirty equal tokens are not yet a loop");
        assert!(!Doubt::default().is_justified(usize::MAX, 0.0));
    }

    #[test]
    fn loops_guesses_and_endless_text_are_doubtful() {
        assert!(doubt((0..60).map(|index| index % 5), 0.9).is_justified(usize::MAX, 0.0));
        assert!(doubt(0..10, 0.3).is_justified(usize::MAX, 0.1));
        assert!(doubt(0..20, 0.9).is_justified(20, 0.0));
    }

    #[test]
    fn a_guess_about_silence_is_not_doubted() {
        assert!(!doubt(0..10, 0.3).is_justified(usize::MAX, 0.9));
    }
}
