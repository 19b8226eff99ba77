#!/usr/bin/env python3
"""Makes `assets/campplus-line.f32`: the directions in which a line changes the embeddings of CAM++.

    pip install numpy scipy soundfile onnxruntime kaldi-native-fbank
    python scripts/quality/line_directions.py AUDIO campplus-zh-en.onnx assets/campplus-line.f32

Clips of many voices on every line of `lines.py`, in wide band and telephone band: the voices of the first half
(`conversations.py`), stretches of the AMI meetings in which one person speaks alone, and single recordings. Each embedding minus
the mean over the lines of its clip shows the line alone, so it does not matter whose voice it is; the directions are the first
right singular vectors.
"""
import sys
from collections import defaultdict
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import onnxruntime
from conversations import LEVEL, RATE, halves, load, speech, voices
from lines import WAYS, line
from scipy.signal import resample_poly

DIRECTIONS = 8
# Of each kind of source.
CLIPS = {"half": 8, "meeting": 5, "single": 4}
SHORTEST = 0.6
# Almost inaudible.
QUIET = "trn01"
SINGLE = (
    "asr-multi/wudale_de.wav",
    "asr-multi/wudale_fr.wav",
    "asr-ru/deepspeech_ru.wav",
    "asr-ru/golos_001ce26c.wav",
    "asr-ru/voicekit/sample_1.mp3",
    "asr-ru/voicekit/sample_2.mp3",
    "asr-ru/voicekit/sample_3.wav",
    "asr-ru/voicekit/sample_4.wav",
    "calls/azure/call-center_sample.wav",
    "calls/watson/Us_English_Broadband_Sample_1.wav",
    "vad/silero_test.opus",
    "asr-en/google/commercial_mono.wav",
    "calls/watson/de-DE_NarrowbandModel_sample1.wav",
    "calls/watson/english2.g712.wav",
)


def features(samples):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither, options.frame_opts.samp_freq, options.frame_opts.window_type = 0, RATE, "povey"
    options.mel_opts.num_bins = 80
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(RATE, samples.astype(np.float32).tolist())
    fbank.input_finished()
    frames = np.array([fbank.get_frame(index) for index in range(fbank.num_frames_ready)], np.float32)
    return frames - frames.mean(0)


def levelled(samples):
    loud = samples[np.abs(samples) > 0.01]
    return samples / np.sqrt((loud**2).mean()) * LEVEL if len(loud) else samples


def alone(turns, start, end, who):
    """Parts of a turn during which nobody else speaks."""
    parts = [(start, end)]
    for other_start, other_end, other in turns:
        if other != who:
            cut = [[(from_, min(to, other_start)), (max(from_, other_end), to)] if other_end > from_ and other_start < to else [(from_, to)] for from_, to in parts]
            parts = [(from_, to) for pieces in cut for from_, to in pieces if to - from_ > SHORTEST]
    return parts


def meetings(audio):
    """Of each person in the AMI meetings the pieces in which they speak alone."""
    pieces = defaultdict(list)
    for path in sorted((audio / "diarization/ami-pyannote").glob("*.flac")):
        if path.stem == QUIET:
            continue
        samples = levelled(load(path))
        fields = (line.split() for line in (audio / f"references/{path.stem}.rttm").read_text().splitlines())
        turns = [(float(turn[3]), float(turn[3]) + float(turn[4]), turn[7]) for turn in fields]
        for start, end, who in turns:
            pieces[who] += [samples[int(from_ * RATE) : int(to * RATE)] for from_, to in alone(turns, start, end, who)]
    return pieces


def sources(audio):
    """Pieces of speech of one voice each, and how many clips to make of them."""
    known = voices(audio)
    found = [(known[who], CLIPS["half"]) for who in halves(known)["tune"]]
    found += [(pieces, CLIPS["meeting"]) for pieces in meetings(audio).values()]
    for name in SINGLE:
        samples = levelled(load(audio / name))
        spans = [(max(0, int((start - 0.03) * RATE)), int((end + 0.05) * RATE)) for start, end in speech(samples)]
        found.append(([samples[start:end] for start, end in spans], CLIPS["single"]))
    return found


def clip(rng, pieces):
    """One and a half to four seconds of a voice; None if it has too little."""
    samples, wanted = np.zeros(0), rng.uniform(1.5, 4) * RATE
    for index in rng.permutation(len(pieces)):
        piece = pieces[index]
        if len(piece) > wanted:
            piece = piece[int(rng.integers(max(1, len(piece) - int(wanted)))) :]
        samples = np.concatenate([samples, piece, np.zeros(int(0.1 * RATE))])
        if len(samples) > wanted:
            break
    return samples[: int(wanted)] if len(samples) >= 1.2 * RATE else None


def main():
    audio, model, target = map(Path, sys.argv[1:4])
    session = onnxruntime.InferenceSession(model)
    name, shifts = session.get_inputs()[0].name, []
    for seed, (pieces, clips) in enumerate(sources(audio), 100):
        rng, usable = np.random.default_rng(seed), [piece for piece in pieces if len(piece) > SHORTEST * RATE]
        for samples in filter(lambda samples: samples is not None, (clip(rng, usable) for _ in range(clips if usable else 0))):
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
