#!/usr/bin/env python3
"""Makes recordings that are hard to count, with references: one voice whose line changes, two people each with a line of their
own, and two people whom a third joins for about three seconds.

    python scripts/quality/counting.py AUDIO FOLDER

Voices, halves and file names are as in `conversations.py`: `tune_one*`, `held_two*`, `held_third*`. The result is always the
same.
"""
import sys
from pathlib import Path

import numpy as np
import soundfile
from conversations import RATE, converse, halves, voices
from lines import WAYS, handset, line, loudspeaker


def save(folder, name, samples, rate, turns):
    peak = np.abs(samples).max()
    soundfile.write(folder / f"{name}.flac", samples / peak * 0.95 if peak > 0.95 else samples, rate, subtype="PCM_16")
    lines = (f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> {who} <NA> <NA>\n" for start, end, who in sorted(turns))
    (folder / f"{name}.rttm").write_text("".join(lines))


def monologue(rng, pieces, who, seconds):
    """One voice with pauses: samples and turns."""
    turns, at, place = [], 0.3, int(rng.integers(len(pieces[who])))
    samples = np.zeros(int((seconds + 40) * RATE), np.float32)
    while at < seconds:
        piece = pieces[who][place % len(pieces[who])]
        place += 1
        start = int(at * RATE)
        samples[start : start + len(piece)] += piece[: max(0, len(samples) - start)]
        turns.append((at + 0.03, at + len(piece) / RATE - 0.05, who))
        at += len(piece) / RATE + rng.uniform(0.1, 0.8)
        if rng.random() < 0.08:
            at += rng.uniform(1, 6)
    return samples[: int((at + 0.5) * RATE)], turns


def changed(rng, samples, ways, changes):
    """Stretches of it on different lines, in turn."""
    cuts = [0, *(int(cut) for cut in sorted(rng.uniform(0.1, 0.9, changes) * len(samples))), len(samples)]
    result = np.zeros(len(samples))
    for index, (start, end) in enumerate(zip(cuts, cuts[1:])):
        result[start:end] = ways[index % len(ways)](rng, samples[start:end].astype(float))
    return result


def one_voice(rng, folder, half, pieces, long):
    for index in range(20):
        who, seconds = str(rng.choice(long)), float(rng.choice([30, 60, 120, 240, 480]))
        samples, turns = monologue(rng, pieces, who, seconds)
        ways = [WAYS[place] for place in rng.permutation(len(WAYS))[: int(rng.integers(2, 4))]]
        ways = [handset, loudspeaker] if index < 6 else ways
        samples = changed(rng, samples, ways, int(rng.choice([1, 1, 2, 4])))
        save(folder, f"{half}_one{index:02}", *line(rng, samples, index % 2 == 0, (22, 40)), turns)


def two_people(rng, folder, half, pieces, known, long):
    for index in range(30):
        people = [str(who) for who in rng.choice(long if index % 3 else known, 2, replace=False)]
        seconds = float(rng.choice([20, 30, 60, 120, 240, 600])) if index < 28 else 1500.0
        ways = {who: WAYS[int(rng.integers(len(WAYS)))] for who in people}
        # The same conversation once more for each person, alone, so that each has a line of their own.
        state = rng.bit_generator.state
        both, turns = converse(rng, pieces, people, seconds)
        samples = np.zeros(len(both))
        for who in people:
            alone = {
                other: pieces[other] if other == who else [np.zeros(len(piece), np.float32) for piece in pieces[other]]
                for other in people
            }
            again = np.random.default_rng()
            again.bit_generator.state = state
            own, _ = converse(again, alone, people, seconds)
            samples[: len(own)] += ways[who](rng, own.astype(float))[: len(samples)] if index % 2 else own[: len(samples)]
        save(folder, f"{half}_two{index:02}", *line(rng, samples, index % 4 != 3), turns)


def short_third(rng, folder, half, pieces, long):
    for index in range(12):
        people = [str(who) for who in rng.choice(long, 3, replace=False)]
        seconds = float(rng.choice([60, 120, 240]))
        samples, turns = converse(rng, pieces, people[:2], seconds)
        at, wanted = rng.uniform(0.3, 0.8) * len(samples) / RATE, rng.uniform(2.5, 4) * RATE
        place, said, spans = int(rng.integers(len(pieces[people[2]]))), np.zeros(0), []
        while len(said) < wanted:
            piece = pieces[people[2]][place % len(pieces[people[2]])][: int(wanted) - len(said) + 1600]
            place += 1
            spans.append((len(said) / RATE, (len(said) + len(piece)) / RATE))
            said = np.concatenate([said, piece, np.zeros(int(0.15 * RATE))])
        # After the end of a turn.
        ends = [end for _, end, _ in turns if all(not start < end + 0.05 < other for start, other, _ in turns)]
        at = min(ends, key=lambda end: abs(end - at)) + 0.2
        cut, length = int(at * RATE), len(said) / RATE + 0.3
        samples = np.concatenate([samples[:cut], said, np.zeros(int(0.3 * RATE)), samples[cut:]])
        later = [(start + length, end + length, who) if start >= at - 0.1 else (start, end, who) for start, end, who in turns]
        third = [(at + start + 0.03, at + end - 0.05, people[2]) for start, end in spans]
        save(folder, f"{half}_third{index:02}", *line(rng, samples, index % 2 == 0), later + third)


def main():
    audio, folder = Path(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    pieces = voices(audio)
    for seed, (half, known) in enumerate(halves(pieces).items(), 11):
        rng = np.random.default_rng(seed)
        long = [name for name in known if sum(map(len, pieces[name])) > 8 * RATE]
        one_voice(rng, folder, half, pieces, long)
        two_people(rng, folder, half, pieces, known, long)
        short_third(rng, folder, half, pieces, long)


if __name__ == "__main__":
    main()
