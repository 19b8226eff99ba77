//! Matches speakers to enrolled voices by cosine similarity. Pure.

use super::library::Voice;
use crate::voiceprint::{Voiceprint, dot};

/// The number of nearest voices that a result lists for each speaker.
const MOST_CANDIDATES: usize = 3;

/// An enrolled voice with its similarity to a speaker.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The name of the enrolled person.
    pub name: String,
    /// Cosine similarity, -1 to 1.
    pub score: f32,
}

/// The identity of one speaker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Identity {
    /// The person's name, if a voice reached the threshold.
    pub name: Option<String>,
    /// The cosine similarity of that voice; 0 for an unknown speaker.
    pub confidence: f32,
    /// Path of that voice's file, relative to the volume.
    pub source: Option<String>,
    /// The most similar voices, best first, also below the threshold.
    pub candidates: Vec<Candidate>,
}

/// One identity for each speaker. Pairs are assigned greedily, the most similar first; each voice is assigned to at most one
/// speaker.
#[must_use]
pub fn identify(speakers: &[Option<Voiceprint>], voices: &[Voice], threshold: f32) -> Vec<Identity> {
    let mut identities = vec![Identity::default(); speakers.len()];
    let mut pairs: Vec<(f32, usize, usize)> = Vec::new();
    for (speaker, voiceprint) in speakers.iter().enumerate() {
        let Some(voiceprint) = voiceprint else { continue };
        let mut scored: Vec<(f32, usize)> =
            voices.iter().enumerate().filter_map(|(voice, enrolled)| Some((similarity(voiceprint, enrolled)?, voice))).collect();
        scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        identities[speaker].candidates = scored
            .iter()
            .take(MOST_CANDIDATES)
            .map(|(score, voice)| Candidate { name: voices[*voice].name.clone(), score: *score })
            .collect();
        pairs.extend(scored.into_iter().filter(|(score, _)| *score >= threshold).map(|(score, voice)| (score, speaker, voice)));
    }
    pairs.sort_by(|left, right| right.0.total_cmp(&left.0).then((left.1, left.2).cmp(&(right.1, right.2))));
    let mut given = vec![false; voices.len()];
    for (score, speaker, voice) in pairs {
        if given[voice] || identities[speaker].name.is_some() {
            continue;
        }
        given[voice] = true;
        let identity = &mut identities[speaker];
        identity.name = Some(voices[voice].name.clone());
        identity.confidence = score;
        identity.source = Some(voices[voice].file.clone());
    }
    identities
}

/// The highest similarity of a voice's vectors; none when the voice is from another speaker model.
fn similarity(voiceprint: &Voiceprint, voice: &Voice) -> Option<f32> {
    let comparable = |vector: &&Vec<f32>| voice.model == voiceprint.model && vector.len() == voiceprint.vector.len();
    let scores = voice.vectors.iter().filter(comparable).map(|vector| dot(vector, &voiceprint.vector));
    scores.filter(|score| score.is_finite()).max_by(f32::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn voice(name: &str, vector: [f32; 2]) -> Voice {
        Voice { name: name.to_owned(), model: "m".to_owned(), vectors: vec![vector.to_vec()], file: format!("{name}.json") }
    }

    #[expect(clippy::unnecessary_wraps, reason = "speakers may have no voiceprint")]
    fn speaker(vector: [f32; 2]) -> Option<Voiceprint> {
        Some(Voiceprint { model: "m".to_owned(), vector: vector.to_vec() })
    }

    #[test]
    fn the_nearest_voice_is_taken_and_only_once() {
        let voices = [voice("Alice", [1.0, 0.0]), voice("Bob", [0.0, 1.0])];
        let found = identify(&[speaker([0.9, 0.436]), speaker([0.99, 0.141])], &voices, 0.3);
        let names: Vec<_> = found.iter().map(|identity| identity.name.as_deref()).collect();
        // Alice is nearest to both; the second speaker is nearer to her.
        assert_eq!(names, [Some("Bob"), Some("Alice")]);
        assert_eq!(found[1].source.as_deref(), Some("Alice.json"));
    }

    #[test]
    fn a_voice_that_is_not_near_enough_is_unknown_but_told() {
        let found = identify(&[speaker([0.6, 0.8]), None], &[voice("Alice", [1.0, 0.0])], 0.7);
        assert_eq!((found[0].name.as_deref(), found[0].confidence), (None, 0.0));
        assert_eq!(found[0].candidates.len(), 1);
        assert_eq!(found[1], Identity::default());
    }

    #[test]
    fn voices_of_another_model_are_not_compared() {
        let other = Voice { model: "other".to_owned(), ..voice("Alice", [1.0, 0.0]) };
        assert_eq!(identify(&[speaker([1.0, 0.0])], &[other], -1.0), [Identity::default()]);
    }

    proptest! {
        #[test]
        fn no_voice_is_given_twice(
            speakers in proptest::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 0..8),
            voices in proptest::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 0..8),
        ) {
            let speakers: Vec<_> = speakers.into_iter().map(|(x, y)| speaker([x, y])).collect();
            let voices: Vec<_> = voices.into_iter().enumerate().map(|(index, (x, y))| voice(&index.to_string(), [x, y])).collect();
            let found = identify(&speakers, &voices, 0.1);
            prop_assert_eq!(found.len(), speakers.len());
            let mut names: Vec<_> = found.iter().filter_map(|identity| identity.name.clone()).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), count);
        }
    }
}
