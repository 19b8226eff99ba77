#!/usr/bin/env python3
"""Makes clips of single voices, for the error rates of speaker recognition.

    python scripts/quality/voiceprints.py AUDIO FOLDER

Voices and halves are those of `conversations.py`. Of each voice up to eight clips of at least six seconds (`full`) and of two to
four seconds (`short`), in wide band (16 kHz) and telephone band (8 kHz, mu-law), each with noise and with other parts of the
speech: `held_voice-WHO-03-tel-short.flac`. The result is always the same.
"""
import sys
from pathlib import Path

import numpy as np
import soundfile
from conversations import RATE, halves, voices
from lines import line

CLIPS = 8


def clips(rng, pieces, shortest, longest):
    """Up to [`CLIPS`] clips that share no speech."""
    found, current, wanted = [], np.zeros(0), rng.uniform(shortest, longest) * RATE
    for index in rng.permutation(len(pieces)):
        current = np.concatenate([current, pieces[index], np.zeros(int(0.1 * RATE))])
        while len(current) >= wanted and len(found) < CLIPS:
            found.append(current[: int(wanted)])
            current, wanted = current[int(wanted) :], rng.uniform(shortest, longest) * RATE
    return found


def main():
    audio, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    pieces, rng = voices(audio), np.random.default_rng(3)
    for half, known in halves(pieces).items():
        for who in known:
            for length, shortest, longest in (("full", 6, 12), ("short", 2, 4)):
                for index, clip in enumerate(clips(rng, pieces[who], shortest, longest)):
                    for band in ("wide", "tel"):
                        samples, rate = line(rng, clip.astype(float), band == "tel", (20, 40))
                        name = f"{half}_voice-{who}-{index:02}-{band}-{length}.flac"
                        soundfile.write(folder / name, np.clip(samples, -0.99, 0.99), rate, subtype="PCM_16")


if __name__ == "__main__":
    main()
