#!/usr/bin/env python3
"""Makes conversations from recordings of single speakers, with a reference of the words and turns.

    python scripts/quality/conversations.py AUDIO FOLDER

AUDIO is the folder of external recordings (speakers/, asr-en/ ...). Two halves with different voices: constants are tuned on
`tune_*`, results are reported on `held_*`. One to six people, 20 s to 400 s, wide band and telephone (300 to 3400 Hz, 8 kHz,
mu-law), with noise, some with reverberation and overlap. The result is always the same.
"""
import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

RATE = 16_000
LEVEL = 0.08
PEOPLE = [1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6]


def load(path):
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = samples.mean(1)
    common = np.gcd(rate, RATE)
    return samples if rate == RATE else resample_poly(samples, RATE // common, rate // common).astype(np.float32)


def speech(samples):
    """From where to where, in seconds, somebody speaks: within 32 dB of the louder moments, pauses under a quarter second closed."""
    count = len(samples) // 160
    level = 10 * np.log10((samples[: count * 160].reshape(count, 160) ** 2).mean(1) + 1e-10)
    active = np.convolve(level > max(np.percentile(level, 95) - 32, -58), np.ones(7) / 7, "same") >= 0.5
    edges = np.flatnonzero(np.diff(np.r_[0, active.astype(int), 0]))
    found = []
    for start, end in zip(edges[::2], edges[1::2]):
        if found and start - found[-1][1] < 25:
            found[-1][1] = end
        else:
            found.append([start, end])
    return [(start / 100, end / 100) for start, end in found if end - start >= 15]


def voices(audio):
    """Of each speaker the pieces between pauses, all of one level."""
    files = {f"libri-{folder.name}": sorted(folder.glob("*.flac")) for folder in sorted((audio / "speakers/librispeech_test-other").iterdir())}
    korean = [folder for folder in sorted((audio / "speakers/jymsuper-korean").iterdir()) if folder.is_dir()]
    files |= {f"korean-{folder.name}": sorted(folder.glob("*.flac")) for folder in korean}
    files |= {f"eagle-{n}": sorted((audio / "speakers/picovoice-eagle").glob(f"speaker_{n}*.wav")) for n in (1, 2)}
    files |= {f"azure-{name}": [audio / f"diarization/azure/enrollment_audio_{name}.wav"] for name in ("katie", "steve")}
    files |= {"jfk": [audio / "asr-en/jfk.wav"], "beckett": [audio / "asr-en/moonshine/beckett.wav"], "gigaam": [audio / "asr-ru/gigaam_example.wav"]}
    files |= {f"speechbrain-{n}": sorted((audio / "asr-en/speechbrain").glob(f"spk{n}_*.wav")) for n in (1, 2)}
    pieces = {}
    for name, paths in files.items():
        pieces[name] = []
        for path in paths:
            samples = load(path)
            loud = samples[np.abs(samples) > 0.01]
            samples = samples / np.sqrt((loud**2).mean()) * LEVEL if len(loud) else samples
            pieces[name] += [samples[max(0, int((start - 0.03) * RATE)) : int((end + 0.05) * RATE)] for start, end in speech(samples)]
    return pieces


def halves(pieces):
    """The voices to tune on and those to report on."""
    names = sorted(pieces)
    return {"tune": names[0::2], "held": names[1::2]}


def converse(rng, pieces, people, seconds):
    """A conversation without a line: samples and (start, end, who)."""
    overlap, mean = rng.choice([0, 0.05, 0.15]), rng.choice([1.2, 3, 6])
    shares = rng.dirichlet(np.ones(len(people)) * rng.choice([1.5, 6])) + 0.06
    gain = {who: 10 ** (rng.uniform(-6, 6) / 20) for who in people}
    colour = {who: rng.uniform(-0.5, 0.5) for who in people}
    place = {who: int(rng.integers(len(pieces[who]))) for who in people}
    samples = np.zeros(int((seconds + 30) * RATE), np.float32)
    turns, at, last, introduced = [], rng.uniform(0.2, 1.5), None, 0
    while at < seconds:
        if introduced < len(people) and rng.random() < 0.5:
            who, introduced = people[introduced], introduced + 1
        else:
            who = str(rng.choice(people, p=shares / shares.sum()))
        if who == last and len(people) > 1 and rng.random() < 0.7:
            continue
        wanted, said = rng.exponential(mean) + 0.5, 0
        while said < wanted:
            piece = pieces[who][place[who] % len(pieces[who])][: int((2 * wanted + 1) * RATE)] * gain[who]
            place[who] += 1
            piece = np.convolve(piece, [1, colour[who]]) / (1 + abs(colour[who]))
            start, length = int(at * RATE), len(piece) / RATE
            samples[start : start + len(piece)] += piece[: max(0, len(samples) - start)].astype(np.float32)
            turns.append((at + 0.03, max(at + 0.08, at + length - 0.05), who))
            at += length + rng.uniform(0.05, 0.5)
            said += length + 0.2
        last = who
        at = max(at - rng.uniform(0.2, 1.5) if rng.random() < 3 * overlap else at + rng.exponential(0.5), 0.2)
    return samples[: int((max(end for _, end, _ in turns) + 0.8) * RATE)], turns


def line(rng, samples, telephone):
    """The same with noise, now and then a room, and a telephone line."""
    noise = sosfilt(butter(2, [100, 3000], "band", fs=RATE, output="sos"), rng.standard_normal(len(samples)))
    samples = samples + noise / np.std(noise) * LEVEL * 10 ** (-rng.uniform(18, 40) / 20)
    if not telephone:
        if rng.random() < 0.4:
            room = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 800)
            room[0] = 3
            samples = fftconvolve(samples, room)[: len(samples)]
            samples *= LEVEL / np.std(samples)
        return samples
    narrow = np.clip(sosfilt(butter(4, [300, 3400], "band", fs=8000, output="sos"), resample_poly(samples, 1, 2)), -1, 1)
    code = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log1p(255) * 127) / 127
    return resample_poly(np.sign(code) * np.expm1(np.abs(code) * np.log1p(255)) / 255, 2, 1)


def main():
    audio, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    pieces, rng = voices(audio), np.random.default_rng(7)
    for half, known in halves(pieces).items():
        long = [name for name in known if sum(map(len, pieces[name])) > 8 * RATE]
        index = 0
        for count in PEOPLE:
            for telephone in (True, False) if count > 1 else (index % 2 == 1,):
                people = [str(name) for name in rng.choice(known if count > 1 else long, min(count, len(known)), replace=False)]
                seconds = float(rng.choice([20, 45, 60, 90, 120, 180] if count < 3 else [60, 90, 120, 200]))
                seconds = 400.0 if index in (5, 11) else seconds
                samples, turns = converse(rng, pieces, people, seconds)
                name = f"{half}_{index:02}_{count}_{'tel' if telephone else 'wide'}"
                soundfile.write(folder / f"{name}.flac", np.clip(line(rng, samples, telephone), -0.99, 0.99).astype(np.float32), RATE)
                lines = (f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> {who} <NA> <NA>\n" for start, end, who in turns)
                (folder / f"{name}.rttm").write_text("".join(lines))
                index += 1


if __name__ == "__main__":
    main()
