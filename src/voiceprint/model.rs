//! A speaker-embedding model: frames of one speaker in, a voiceprint out.
//!
//! Recognises each supported kind of model by its inputs and outputs (never by its file name) and feeds it accordingly.
//! Other models are refused with a description of what is supported, since their output would be noise.

use std::path::Path;

use super::effort::Effort;
use super::error::VoiceprintError;
use super::fbank_network::{FbankNetwork, OwnLayers};
use super::{FeatureKind, Features, Voiceprint, ge2e, normalize};
use crate::capabilities::ModelInfo;
use crate::inference::{Lanes, Port, Session, read_model};

/// The built-in model: statistics of MFCC frames, projected by a linear discriminant analysis.
const BUILT_IN: &[u8] = include_bytes!("../../assets/voiceprint-stats-lda48.onnx");
const BUILT_IN_NAME: &str = "voiceprint-stats-lda48";

/// A loaded speaker model of any supported kind.
#[derive(Debug)]
pub struct VoiceprintModel {
    session: Session,
    name: String,
    kind: FeatureKind,
    /// How to run a network of the kind `fbank80-kaldi`; `None` for other kinds.
    network: Option<FbankNetwork>,
    /// Length and step, in frames, of the windows over which the model averages; `None` if it takes all frames at once.
    windows: Option<(usize, usize)>,
    license: Option<&'static str>,
}

impl VoiceprintModel {
    /// Loads a model file; the model is named after the file, without its extension.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a supported speaker model.
    pub fn load(path: &Path, lanes: &Lanes) -> Result<Self, VoiceprintError> {
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Self::new(read_model(path)?, name, lanes)
    }

    /// The model that is compiled into the program.
    ///
    /// # Errors
    /// Only when the program itself is damaged.
    pub fn built_in(lanes: &Lanes) -> Result<Self, VoiceprintError> {
        Self::new(BUILT_IN.to_vec(), BUILT_IN_NAME.to_owned(), lanes)
    }

    fn new(model: Vec<u8>, name: String, lanes: &Lanes) -> Result<Self, VoiceprintError> {
        let parts = FbankNetwork::parts(&model, lanes);
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
        } else if let Some((options, found)) = FbankNetwork::detect(&session, parts)? {
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

    /// The model's name, which its voiceprints carry.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The feature recipe the model takes.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// The model's entry in the published document.
    #[must_use]
    pub fn info(&self) -> ModelInfo {
        ModelInfo { name: self.name.clone(), framework: "rten", device: "cpu", license: self.license }
    }

    /// Which layers of the network are computed by code of our own.
    #[must_use]
    pub fn own_layers(&self) -> OwnLayers {
        self.network.as_ref().map_or(OwnLayers::None, FbankNetwork::own_layers)
    }

    /// Computes the voiceprint of one speaker from the frames, in ascending order, in which only that speaker talks.
    /// `None` if there are too few frames or the embedding has no length.
    ///
    /// # Errors
    /// When the model fails.
    pub fn embed(&mut self, features: &Features, frames: &[usize]) -> Result<Option<Voiceprint>, VoiceprintError> {
        let mut prints = self.embed_many(features, std::slice::from_ref(&frames.to_vec()), Effort::Full)?;
        Ok(prints.pop().flatten().map(|vector| Voiceprint { model: self.name.clone(), vector }))
    }

    /// Computes one embedding per speaker, each from its own frames; `None` as for [`Self::embed`].
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
        let usable = |frames: &[usize]| features.kind() == kind && frames.len() >= kind.min_frames();
        let chosen =
            || -> Vec<&[usize]> { speakers.iter().map(|frames| if usable(frames) { &frames[..] } else { &[] }).collect() };
        let mut vectors = match (self.kind, &mut self.network) {
            (FeatureKind::Fbank80(_), Some(network)) => network.embed(&self.session, features, &chosen(), effort)?,
            (FeatureKind::Mel40, _) => ge2e::embed(&self.session, features, &chosen(), effort)?,
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
