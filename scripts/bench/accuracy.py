"""Word and speaker errors on the sample calls."""
import json
import subprocess
import sys

from measure import CALLS, DEFAULT_MODELS, ENGLISH, ROOT, SHARED, run, table

TITLE = "Accuracy on the sample calls"


def section(bench, quick):
    del quick  # a single run: the result does not depend on the machine
    return f"""WER and cpWER over the whole call, normalised by `scripts/score_wer.py`; DER with overlap, collar 0.25 s. The WER of plain
whisper.cpp on these calls is in `tests/fixtures/calls/README.md`.

{table(["diarization", "call", "speakers", "words", "WER", "cpWER", "DER"], accuracy(bench))}

With the models of `make models` (Whisper base q8_0, segmentation-3.0, CAM++): wrong words of all words over the whole call, beside whisper.cpp's own
command line with the same file, which hears two channels as one (5 beams, its default, and 1).

{table(["call", "words", "CallAnnotate", "whisper-cli, 5 beams", "whisper-cli, 1 beam"], beside_whisper(bench))}"""


def accuracy(bench):
    rows = []
    settings = [("VAD, built-in voiceprint", bench.built_in), ("VAD, GE2E", bench.without)]
    if (SHARED / "models/segmentation").is_dir():
        settings.append(("segmentation-3.0, GE2E", bench.with_shared))
    for name, environment in settings:
        for call in [*ENGLISH, "support-ru-stereo", "hold-music"]:
            result, *_ = bench.annotate(CALLS / f"{call}.flac", environment)
            reference = json.loads((CALLS / f"{call}.json").read_text())
            expected = len(reference.get("speakers", []))
            row = [name, call, f"{result['metadata']['speaker_count']} of {expected}", str(result["metadata"]["word_count"])]
            row += words(bench, reference, result) if call in ENGLISH else ["", ""]
            row += turns(bench, call, CALLS / f"{call}.rttm", result) if expected else [""]
            rows.append(row)
    return rows


def beside_whisper(bench):
    model = next((DEFAULT_MODELS / "whisper").glob("*.bin"))
    environment = dict(bench.without, CALLANNOTATE__MODELS__DIRS=str(DEFAULT_MODELS))
    rows, sums = [], [0, 0, 0, 0]
    for call in ENGLISH:
        plain = bench.work / "plain.wav"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(CALLS / f"{call}.flac"), "-ac", "1", "-ar", "16000", str(plain)], check=True)
        result, *_ = bench.annotate(CALLS / f"{call}.flac", environment)
        texts = [" ".join(segment["text"] for segment in result["segments"])]
        for beams in (["-bs", "5"], ["-bs", "1", "-bo", "1"]):
            command = [bench.whisper_cli, "-m", str(model), "-t", "2", "-l", "en", "-nt", *beams, "-f", str(plain)]
            texts.append(run(command)[0].decode())
        turns = json.loads((CALLS / f"{call}.json").read_text())["turns"]
        truth = bench.work / "reference.txt"
        truth.write_text(" ".join(turn["text"] for turn in sorted(turns, key=lambda turn: turn["start"])))
        scores = [score(bench, truth, text) for text in texts]
        counts = [scores[0]["ref_words"], *[of["errors"] for of in scores]]
        sums = [total + count for total, count in zip(sums, counts)]
        rows.append(shares(call, counts))
    return [*rows, shares("all", sums)]


def shares(call, counts):
    return [call, str(counts[0]), *[f"{errors} ({errors / counts[0]:.1%})" for errors in counts[1:]]]


def score(bench, truth, text):
    hypothesis = bench.work / "hypothesis.txt"
    hypothesis.write_text(text)
    return json.loads(run([sys.executable, str(ROOT / "scripts/score_wer.py"), str(truth), str(hypothesis)])[0])


def words(bench, reference, result):
    hypothesis, truth = bench.work / "hypothesis.json", bench.work / "reference.json"
    hypothesis.write_text(json.dumps([{"speaker": s["speaker_id"], "start": s["start_time"], "text": s["text"]} for s in result["segments"]]))
    truth.write_text(json.dumps([{"speaker": t["speaker"], "start": t["start"], "text": t["text"]} for t in reference["turns"]]))
    score = json.loads(run([sys.executable, str(ROOT / "scripts/score_wer.py"), str(truth), str(hypothesis)])[0])
    return [f"{score['wer'] * 100:.1f} %", f"{score['cpwer'] * 100:.1f} %"]


def turns(bench, name, reference, result):
    hypothesis = bench.work / "hypothesis.rttm"
    lines = (f"SPEAKER {name} 1 {t['start_time']:.3f} {t['end_time'] - t['start_time']:.3f} <NA> <NA> {t['speaker_id']} <NA> <NA>\n" for t in result["turns"])
    hypothesis.write_text("".join(lines))
    score = json.loads(run([sys.executable, str(ROOT / "scripts/score_der.py"), str(reference), str(hypothesis), "--collar", "0.25"])[0])
    return [f"{score['der'] * 100:.1f} %"]
