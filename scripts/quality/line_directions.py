#!/usr/bin/env python3
"""Makes `assets/campplus-line.f32`: the directions in which a line changes the embeddings of CAM++.

    pip install numpy scipy soundfile onnxruntime kaldi-native-fbank
    python scripts/quality/line_directions.py AUDIO campplus-zh-en.onnx assets/campplus-line.f32

Clips of the voices of the first half (`conversations.py`) on every line of `lines.py`, in wide band and telephone band. Each
embedding minus the mean over the lines of its clip shows the line alone; the directions are the first right singular vectors.
"""
import sys
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import onnxruntime
from conversations import RATE, halves, voices
from lines import WAYS, line
from scipy.signal import resample_poly

DIRECTIONS = 12
CLIPS = 8


def features(samples):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither, options.frame_opts.samp_freq, options.frame_opts.window_type = 0, RATE, "povey"
    options.mel_opts.num_bins = 80
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(RATE, samples.astype(np.float32).tolist())
    fbank.input_finished()
    frames = np.array([fbank.get_frame(index) for index in range(fbank.num_frames_ready)], np.float32)
    return frames - frames.mean(0)


def clip(rng, pieces):
    """One and a half to four seconds of a voice; None if it has too little."""
    samples, wanted = np.zeros(0), rng.uniform(1.5, 4) * RATE
    for index in rng.permutation(len(pieces)):
        samples = np.concatenate([samples, pieces[index], np.zeros(int(0.1 * RATE))])
        if len(samples) > wanted:
            break
    return samples[: int(wanted)] if len(samples) >= 1.2 * RATE else None


def main():
    audio, model, target = map(Path, sys.argv[1:4])
    session = onnxruntime.InferenceSession(model)
    name, rng, shifts = session.get_inputs()[0].name, np.random.default_rng(5), []
    pieces = voices(audio)
    for who in halves(pieces)["tune"]:
        usable = [piece for piece in pieces[who] if len(piece) > 0.6 * RATE]
        for samples in filter(lambda samples: samples is not None, (clip(rng, usable) for _ in range(CLIPS))):
            embeddings = []
            for telephone in (False, True):
                for way in [lambda _, samples: samples, *WAYS]:
                    sent, rate = line(rng, way(rng, samples.astype(float)), telephone, (22, 40))
                    sent = sent if rate == RATE else resample_poly(sent, 2, 1)
                    embedding = session.run(None, {name: features(sent)[None]})[0][0]
                    embeddings.append(embedding / np.linalg.norm(embedding))
            shifts += list(np.array(embeddings) - np.mean(embeddings, 0))
    directions = np.linalg.svd(np.array(shifts), full_matrices=False)[2][:DIRECTIONS]
    directions.astype("<f4").tofile(target)


if __name__ == "__main__":
    main()
