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
# Sets made by scripts/quality/conversations.py: too large for the tests.
MADE = "made"


def section(bench, quick):
    del bench, quick  # measured by tests/it/quality.rs and calls.rs; the result hardly depends on the machine
    scores, of_words, of_base = (json.loads(report.read_text()) for report in (REPORT, WORDS, OF_BASE))
    BASELINE_OF_BASE.write_text(json.dumps(of_base, indent=2) + "\n")
    BASELINE_OF_WORDS.write_text(json.dumps(of_words, indent=2) + "\n")
    tested = {count: {name: systems for name, systems in sets.items() if not name.startswith(MADE)} for count, sets in scores.items()}
    BASELINE.write_text(json.dumps(tested, indent=2) + "\n")
    tables = "\n\n".join(f"Number of speakers {count}:\n\n{of(sets)}" for count, sets in sorted(scores.items()))
    return f"""DER in percent without a collar and with 0.25 s, overlap scored, pooled over each set; in brackets the number of recordings
whose speaker count was estimated correctly. Constants were tuned on the development set "made, chosen on"; the hold-out set
"made, held back" has other voices. The test
`people_are_told_apart_no_worse_than_before` compares with these figures.

{tables}

Words of the sample calls, Whisper tiny.en: WER / cpWER in percent; with two channels the WER is that of each channel. The test
`english_calls_are_written_down_and_given_to_the_right_people` compares with these figures.

{words(of_words)}

{base(of_base)}"""


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


def of(sets):
    systems = sorted({system for scores in sets.values() for system in scores})
    rows = []
    for name, scores in sets.items():
        cells = [f"{s['der']:.1f} / {s['der_collar']:.1f} ({s['counted_right']})" for s in (scores[system] for system in systems)]
        rows.append([f"{name}, {next(iter(scores.values()))['recordings']}", *cells])
    return table(["set, recordings", *systems], rows)
