"""Accuracy of the diarization and of the transcription on every recording with a reference (`make quality`)."""
import json

from measure import ROOT, table

TITLE = "Diarization accuracy"
REPORT = ROOT / "target/quality.json"
BASELINE = ROOT / "tests/fixtures/quality.json"
WORDS = ROOT / "target/quality.words.json"
BASELINE_OF_WORDS = ROOT / "tests/fixtures/quality-words.json"
OF_BASE = ROOT / "target/quality.base.json"
BASELINE_OF_BASE = ROOT / "tests/fixtures/quality-base.json"
VOICES = ROOT / "target/quality.voices.json"
HALVES = {"tune": "chosen on", "held": "held back"}
# Sets made by the scripts in scripts/quality: too large for the tests.
MADE = ("made", "one voice", "two people", "a short third")


def section(bench, quick):
    del bench, quick  # measured by tests/it/quality.rs and calls.rs; the result hardly depends on the machine
    scores, of_words, of_base = (json.loads(report.read_text()) for report in (REPORT, WORDS, OF_BASE))
    BASELINE_OF_BASE.write_text(json.dumps(of_base, indent=2) + "\n")
    BASELINE_OF_WORDS.write_text(json.dumps(of_words, indent=2) + "\n")
    tested = {count: {name: systems for name, systems in sets.items() if not name.startswith(MADE)} for count, sets in scores.items()}
    BASELINE.write_text(json.dumps(tested, indent=2) + "\n")
    tables = "\n\n".join(f"Number of speakers {count}:\n\n{of(sets)}" for count, sets in sorted(scores.items()))
    spoken = voices(json.loads(VOICES.read_text()))
    return f"""DER in percent without a collar and with 0.25 s, overlap scored, pooled over each set; in brackets the number of recordings
whose speaker count was estimated correctly. Constants were tuned on the development set "made, chosen on"; the hold-out set
"made, held back" has other voices, and so have the halves of the sets that are made to count people. The test
`people_are_told_apart_no_worse_than_before` compares with these figures.

{tables}

Words of the sample calls, Whisper tiny.en: WER / cpWER in percent; with two channels the WER is that of each channel. The test
`english_calls_are_written_down_and_given_to_the_right_people` compares with these figures.

{words(of_words)}

{base(of_base)}

{spoken}"""


def words(scores):
    settings = sorted(scores)
    calls = list(next(iter(scores.values()), {}))
    rows = [[call, *[f"{scores[setting][call]['wer']:.1f} / {scores[setting][call]['cpwer']:.1f}" for setting in settings]] for call in calls]
    return table(["call", *settings], rows)


def base(scores):
    rows = [[call, f"{errors['wer']:.1f}", f"{errors['cer']:.1f}"] for call, errors in scores.items()]
    return f"""The same with the models of `make models` (Whisper base, segmentation-3.0, CAM++): errors of words and of characters in percent. The
test `russian_and_english_calls_are_written_down_no_worse_than_before` compares with these figures.

{table(["call", "WER", "CER"], rows)}"""


def rates(score):
    return f"{score['der']:.1f} / {score['der_collar']:.1f} ({score['counted_right']})"


def voices(measured):
    conditions = ["wide", "telephone", "across"]
    kinds = sorted({tuple(name.split(", ")[:3]) for name in measured})

    def cell(kind, condition):
        found = measured[", ".join([*kind, condition])]
        return f"{found['eer']:.1f} at {found['eer_at']:.2f}, {found['one_in_thousand_at']:.2f}; {found['false_accepts']:.2f} / {found['misses']:.1f}"

    rows = [[f"{model}, {HALVES[half]}, {length}", *[cell((model, half, length), condition) for condition in conditions]] for model, half, length in kinds]
    return f"""Recognition of a voice, all pairs of clips (scripts/quality/voiceprints.py): equal error rate in percent with its cosine similarity, the
similarity that one pair of strangers in a thousand reaches; false accepts and misses in percent at the default threshold. `full`
is 6 to 12 s, `short` is 2 to 4 s.

{table(["model, voices, clips", *conditions], rows)}"""


def of(sets):
    systems = sorted({system for scores in sets.values() for system in scores})
    rows = []
    for name, scores in sets.items():
        cells = [rates(scores[system]) if system in scores else "" for system in systems]
        rows.append([f"{name}, {next(iter(scores.values()))['recordings']}", *cells])
    return table(["set, recordings", *systems], rows)
