//! Speaker networks on 80 bands: how they are detected, and that code of our own gives the same embeddings as the runtime.

use std::path::{Path, PathBuf};
use std::process::Command;

use callannotate::audio::Audio;
use callannotate::inference::{Lanes, Session};
use callannotate::voiceprint::{
    Effort, FbankOptions, FbankWindow, FeatureKind, Features, OwnLayers, VoiceprintModel, dot, normalize,
};

use crate::support::diarizers::call;
use crate::support::models::{defaults, shared, voice_encoder};

/// A ResNet-style network with random weights, made by scripts/bench/resnet34.py: two frames per column.
fn small_resnet() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/small-resnet.onnx")
}

const RESNET_PORTS: [&str; 2] = ["feats", "embs"];

const WESPEAKER: FeatureKind = FeatureKind::Fbank80(FbankOptions { window: FbankWindow::Hamming, sixteen_bit: true });

/// Tones that change every 0.4 s, lower after each 15 s, over noise.
fn tones(seconds: usize) -> Audio {
    let sample = |n: usize| {
        let period = 20 + 100 * (n / 240_000) + (n / 6400 * 7) % 20;
        let noise = ((n * n % 1009 * 7 + n * 31) % 2001) as f32 / 1000.0 - 1.0;
        0.2 * (n % period) as f32 / period as f32 - 0.1 + 0.02 * noise
    };
    Audio::new((0..16_000 * seconds).map(sample).collect())
}

/// The embedding of these frames by the ONNX runtime alone, with the names of the network's input and output.
fn by_the_runtime(network: &Path, [input, output]: [&str; 2], features: &Features, frames: &[usize]) -> Vec<f32> {
    let mut values = Vec::new();
    features.gather(frames, &mut values).unwrap();
    for band in 0..80 {
        let mean = values.iter().skip(band).step_by(80).sum::<f32>() / frames.len() as f32;
        values.iter_mut().skip(band).step_by(80).for_each(|value| *value -= mean);
    }
    let session = Session::load(network, &Lanes::new(1)).unwrap();
    let mut vector = session.run(0, (input, &[1, frames.len(), 80], &values), output).unwrap().values;
    assert!(normalize(&mut vector));
    vector
}

#[test]
fn the_trunk_run_once_gives_what_the_whole_network_gives() {
    let mut model = VoiceprintModel::load(&small_resnet(), &Lanes::new(2)).unwrap();
    assert_eq!((model.kind(), model.own_layers()), (WESPEAKER, OwnLayers::SharedConvolutions));
    let features = Features::of(model.kind(), &tones(2)).unwrap();
    let all: Vec<usize> = (0..features.len()).collect();
    let print = model.embed(&features, &all).unwrap().unwrap();
    let likeness = dot(&print.vector, &by_the_runtime(&small_resnet(), RESNET_PORTS, &features, &all));
    assert!(likeness > 0.999_9, "{likeness}");
}

/// A few frames, a number that is not a multiple of anything, and several of the stretches that have a mask of their own.
#[test]
fn the_layers_of_campplus_give_what_the_runtime_gives() {
    let Some(folder) = defaults() else { return };
    let network = folder.join("speaker/campplus-zh-en.onnx");
    let mut model = VoiceprintModel::load(&network, &Lanes::new(1)).unwrap();
    assert_eq!(model.own_layers(), OwnLayers::ConvolutionsAndTimeDelay);
    let features = Features::of(model.kind(), &tones(12)).unwrap();
    for count in [60, 263, 999] {
        let frames: Vec<usize> = (100..100 + count).collect();
        let print = model.embed(&features, &frames).unwrap().unwrap();
        let expected = by_the_runtime(&network, ["x", "embedding"], &features, &frames);
        let furthest = print.vector.iter().zip(&expected).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        assert!(furthest < 1e-4, "{count} frames: {furthest}");
    }
}

#[test]
fn voices_of_one_recording_are_told_from_their_own_frames() {
    let mut model = VoiceprintModel::load(&small_resnet(), &Lanes::new(2)).unwrap();
    let features = Features::of(model.kind(), &tones(40)).unwrap();
    // Computed in several blocks, with and without gaps; one voice shares half of its frames with another.
    let voices: [Vec<usize>; 3] =
        [(0..1500).collect(), (1500..4000).filter(|frame| frame / 100 % 2 == 0).collect(), (750..2250).collect()];
    let together = model.embed_many(&features, &voices, Effort::Quick).unwrap();
    let vectors: Vec<&[f32]> = together.iter().map(|vector| vector.as_deref().unwrap()).collect();
    for (frames, vector) in voices.iter().zip(&vectors) {
        // Each block has its own mean and padding, so the embeddings are close, not equal.
        let likeness = dot(vector, &by_the_runtime(&small_resnet(), RESNET_PORTS, &features, frames));
        assert!(likeness > 0.97, "{likeness}");
    }
    let difference = dot(vectors[0], vectors[1]);
    assert!(difference < 0.95, "{difference}");
    // The computed columns are reused, and a second run gives the same embeddings.
    let again = model.embed_many(&features, &voices, Effort::Quick).unwrap();
    assert_eq!(again, together);
    let few = model.embed_many(&features, &[vec![], (0..31).collect()], Effort::Quick).unwrap();
    assert_eq!(few, [None, None]);
}

#[test]
fn columns_of_one_recording_are_not_taken_for_those_of_another() {
    let mut model = VoiceprintModel::load(&small_resnet(), &Lanes::new(1)).unwrap();
    let frames: Vec<usize> = (0..200).collect();
    let (one, other) =
        (Features::of(model.kind(), &tones(2)).unwrap(), Features::of(model.kind(), &Audio::new(vec![0.0; 32_000])).unwrap());
    let first = model.embed(&one, &frames).unwrap();
    let second = model.embed(&other, &frames).unwrap();
    assert_ne!(first, second);
    assert_eq!(model.embed(&one, &frames).unwrap(), first);
}

/// A network without convolutions: it pools statistics over all frames.
#[test]
fn a_network_without_a_trunk_is_run_for_each_voice() {
    let Some(folder) = shared() else { return };
    let mut model = VoiceprintModel::load(&folder.join("models/speaker/sherpa_lda48.onnx"), &Lanes::new(2)).unwrap();
    assert_eq!((model.kind(), model.own_layers()), (WESPEAKER, OwnLayers::None));
    let features = Features::of(model.kind(), &tones(20)).unwrap();
    let voices: [Vec<usize>; 3] = [(0..250).collect(), (250..2000).collect(), vec![]];
    for effort in [Effort::Quick, Effort::Full] {
        let vectors = model.embed_many(&features, &voices, effort).unwrap();
        let lengths: Vec<Option<usize>> = vectors.iter().map(|vector| vector.as_ref().map(Vec::len)).collect();
        assert_eq!(lengths, [Some(48), Some(48), None]);
    }
}

/// The models that annotate a call when only this folder is configured.
fn models_in_use(folder: &Path) -> Vec<String> {
    let volume = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_callannotate"));
    command.args(["annotate", "--format", "json"]).arg(call("voicemail.flac"));
    command.env("VOLUME_PATH", volume.path()).env("CALLANNOTATE__MODELS__DIRS", folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["speakers"].as_array().unwrap().len(), 1);
    let stages = ["transcription", "recognition"];
    stages.map(|stage| document["processing"][stage]["model"]["name"].as_str().unwrap_or("none").to_owned()).to_vec()
}

#[test]
fn the_voice_encoder_is_the_default_where_it_is_present() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(models_in_use(folder.path()), ["none", "voiceprint-stats-lda48"]);
    let Some(encoder) = voice_encoder() else { return };
    std::fs::create_dir(folder.path().join("speaker")).unwrap();
    std::fs::copy(encoder, folder.path().join("speaker/ge2e-256.onnx")).unwrap();
    assert_eq!(models_in_use(folder.path()), ["none", "ge2e-256"]);
}
