//! A speaker-embedding model: frames of one speaker go in, a voiceprint comes out.
//!
//! Owns how each kind of model is recognised (by its inputs and outputs, never by its file name) and fed. A model of
//! another kind is refused with what was expected: its vectors would be noise.

use std::path::Path;

use super::effort::Effort;
use super::error::VoiceprintError;
use super::whole::Network;
use super::{FeatureKind, Features, Voiceprint, normalize, partials};
use crate::inference::{Lanes, Port, Session, read_model};
use crate::models::ModelInfo;

/// Ours, and always there: statistics of the MFCC frames through a linear discriminant analysis.
const BUILT_IN: &[u8] = include_bytes!("../../assets/voiceprint-stats-lda48.onnx");
const BUILT_IN_NAME: &str = "voiceprint-stats-lda48";

/// One loaded speaker model.
#[derive(Debug)]
pub struct VoiceprintModel {
    session: Session,
    name: String,
    kind: FeatureKind,
    /// How features of the kind `fbank80-kaldi` are fed; none for the others.
    network: Option<Network>,
    /// Frames and step of the windows that the model averages over; none when it takes all frames at once.
    windows: Option<(usize, usize)>,
    license: Option<&'static str>,
}

impl VoiceprintModel {
    /// Loads a model from a file; it is named as the file is, without the extension.
    ///
    /// # Errors
    /// When the file cannot be read, or is no speaker model that is known.
    pub fn load(path: &Path, lanes: &Lanes) -> Result<Self, VoiceprintError> {
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self::new(read_model(path)?, name, lanes)
    }

    /// The model that is part of the program.
    ///
    /// # Errors
    /// Only when the program itself is damaged.
    pub fn built_in(lanes: &Lanes) -> Result<Self, VoiceprintError> {
        Self::new(BUILT_IN.to_vec(), BUILT_IN_NAME.to_owned(), lanes)
    }

    fn new(model: Vec<u8>, name: String, lanes: &Lanes) -> Result<Self, VoiceprintError> {
        let trunk = Network::trunk(&model, lanes);
        let session = Session::from_bytes(model, lanes)?;
        let inputs = session.inputs();
        let outputs = session.outputs();
        let has_output = |name: &str| outputs.iter().any(|port| port.name == name);
        let takes = |name: &str| matches!(&inputs[..], [port] if port.name == name && port.shape.last() == Some(&Some(40)));
        let mut network = None;
        let kind = if takes("mel") && has_output("embedding") && has_output("speaker") {
            FeatureKind::Mel40
        } else if takes("mfcc") && has_output("embedding") {
            FeatureKind::Mfcc40
        } else if let Some((options, found)) = Network::of(&session, trunk)? {
            network = Some(found);
            FeatureKind::Fbank80(options)
        } else {
            return Err(VoiceprintError::UnknownKind { inputs: describe(&inputs) });
        };
        let number = |key: &str| session.metadata(key).and_then(|text| text.parse::<usize>().ok()).filter(|n| *n > 0);
        let windows = if kind == FeatureKind::Mfcc40 { number("window_frames").zip(number("window_step")) } else { None };
        let license = match session.metadata("license") {
            Some("Apache-2.0") => Some("Apache-2.0"),
            Some("MIT") => Some("MIT"),
            _ => None,
        };
        Ok(Self { session, name, kind, network, windows, license })
    }

    /// Its name, which its voiceprints carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The features it takes.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// As published.
    #[must_use]
    pub fn info(&self) -> ModelInfo {
        ModelInfo { name: self.name.clone(), framework: "rten", device: "cpu", license: self.license }
    }

    /// True when its trunk is run once over a recording for all of its speakers, instead of once for each.
    #[must_use]
    pub fn shares_columns(&self) -> bool {
        self.network.as_ref().is_some_and(Network::shares_columns)
    }

    /// The voiceprint of one speaker from the frames in which it alone speaks, in order of time; none when they are too few
    /// or say nothing.
    ///
    /// # Errors
    /// When the model fails.
    pub fn embed(&mut self, features: &Features, frames: &[usize]) -> Result<Option<Voiceprint>, VoiceprintError> {
        let mut prints = self.embed_many(features, std::slice::from_ref(&frames.to_vec()), Effort::Full)?;
        Ok(prints.pop().flatten().map(|vector| Voiceprint { model: self.name.clone(), vector }))
    }

    /// The vectors of many speakers at once, each from its own frames.
    ///
    /// # Errors
    /// When the model fails.
    pub fn embed_many(
        &mut self,
        features: &Features,
        speakers: &[Vec<usize>],
        effort: Effort,
    ) -> Result<Vec<Option<Vec<f32>>>, VoiceprintError> {
        let kind = self.kind;
        let usable = |frames: &[usize]| features.kind() == kind && frames.len() >= kind.fewest_frames();
        let chosen =
            || -> Vec<&[usize]> { speakers.iter().map(|frames| if usable(frames) { &frames[..] } else { &[] }).collect() };
        let mut vectors = match (self.kind, &mut self.network) {
            (FeatureKind::Fbank80(_), Some(network)) => network.embed(&self.session, features, &chosen(), effort)?,
            (FeatureKind::Mel40, _) => partials::embed(&self.session, features, &chosen(), effort)?,
            (FeatureKind::Mfcc40 | FeatureKind::Fbank80(_), _) => {
                let one =
                    |frames: &Vec<usize>| if usable(frames) { self.embed_mfcc(features, frames).map(Some) } else { Ok(None) };
                speakers.iter().map(one).collect::<Result<Vec<_>, _>>()?
            }
        };
        for vector in &mut vectors {
            if vector.as_mut().is_some_and(|vector| !normalize(vector)) {
                *vector = None;
            }
        }
        Ok(vectors)
    }

    fn embed_mfcc(&self, features: &Features, frames: &[usize]) -> Result<Vec<f32>, VoiceprintError> {
        let all = (0, frames.len());
        let pieces = match self.windows {
            Some((length, step)) if frames.len() >= length => {
                (0..=frames.len() - length).step_by(step).map(|start| (start, start + length)).collect()
            }
            _ => vec![all],
        };
        let mut sum: Vec<f32> = Vec::new();
        for (start, end) in pieces {
            let mut values = Vec::new();
            features.gather(&frames[start..end], &mut values)?;
            let answer =
                self.session.run(0, ("mfcc", &[1, values.len() / self.kind.width(), self.kind.width()], &values), "embedding")?;
            add(&mut sum, &answer.values);
        }
        if sum.is_empty() { Err(VoiceprintError::Answer(0)) } else { Ok(sum) }
    }
}

fn add(sum: &mut Vec<f32>, vector: &[f32]) {
    if sum.is_empty() {
        sum.extend_from_slice(vector);
    } else {
        for (sum, value) in sum.iter_mut().zip(vector) {
            *sum += value;
        }
    }
}

fn describe(ports: &[Port]) -> String {
    let size = |size: &Option<usize>| size.map_or_else(|| "?".to_owned(), |size| size.to_string());
    let one = |port: &Port| format!("`{}` [{}]", port.name, port.shape.iter().map(size).collect::<Vec<_>>().join(", "));
    ports.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Audio;

    #[test]
    fn the_built_in_model_embeds_and_the_vector_has_length_one() {
        let mut model = VoiceprintModel::built_in(&Lanes::new(1)).unwrap();
        assert_eq!((model.name(), model.kind()), ("voiceprint-stats-lda48", FeatureKind::Mfcc40));
        let samples = (0..32_000_u64).map(|n| ((n * n * 7 + n * 31) % 2001) as f32 / 4000.0 - 0.25).collect();
        let features = Features::of(model.kind(), &Audio::new(samples)).unwrap();
        let print = model.embed(&features, &(0..features.len()).collect::<Vec<_>>()).unwrap().unwrap();
        assert_eq!(print.vector.len(), 48);
        assert!((super::super::dot(&print.vector, &print.vector) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn too_few_frames_and_frames_of_another_recipe_give_no_voiceprint() {
        let mut model = VoiceprintModel::built_in(&Lanes::new(1)).unwrap();
        let audio = Audio::new(vec![0.1; 16_000]);
        let features = Features::of(FeatureKind::Mfcc40, &audio).unwrap();
        assert_eq!(model.embed(&features, &[0, 1, 2]).unwrap(), None);
        let features = Features::of(FeatureKind::Mel40, &audio).unwrap();
        assert_eq!(model.embed(&features, &(0..50).collect::<Vec<_>>()).unwrap(), None);
    }
}
