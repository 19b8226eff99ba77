"""Time and memory of the pipeline, and its transcription against whisper.cpp's own command line."""
import json
import subprocess

from measure import CALLS, MIB, MODEL, SHARED, median, run, table

LENGTHS_TITLE = "Time and memory by length"
LONG_TITLE = "Memory up to four hours"
PEER_TITLE = "Transcription against whisper.cpp's own command line"


def lengths_section(bench, quick):
    return f"""The sample calls concatenated, 8 kHz mono, `callannotate annotate` with VAD and GE2E, including the start and the
loading of models. Time divided by the audio's length.

{table(["audio", "wall time / audio", "CPU time / audio", "peak memory", "split of the time"], lengths(bench, [1, 10] if quick else [1, 10, 60]))}"""


def long_section(bench, quick):
    return f"""Sample calls repeated, 16-bit WAV at 16 kHz, `callannotate annotate` without transcription: decoding, channels, VAD, the
built-in voiceprint. All samples of four hours as 32-bit floats would take 879 MiB per channel.

{table(["audio", "peak memory", "CPU time / audio"], long_recordings(bench, [10, 60] if quick else [10, 60, 240]))}"""


def peer_section(bench, quick):
    del quick
    return f"""CPU time on the same audio, model and build flags, greedy, two threads.

{table(["recording", "CallAnnotate", "whisper-cli", "ratio"], peer(bench))}

How the window length was chosen: CPU time on the real call of 245 s, and WER on support-mono without and with the segmentation model,
measured one after the other.

| windows | CPU time | WER |
| --- | --- | --- |
| 30 s at pauses, the rest of each in a separate pass | 21.5 s | 0.9 %, 2.2 % |
| 30 s, the rest goes into the next window | 14.1 s | 0.4 %, 0.9 % |
| 29 s at pauses, encoder frames a multiple of 32 | 11.6 s | 1.3 %, 1.3 % |
| the same, and one thread for the graph that smooths the alignment | 11.0 s | 1.3 %, 1.3 % |
| 18 s at pauses, otherwise the same | 9.5 s | 1.8 %, 1.3 % |
| **22 s at pauses, at least 768 frames, the last window at least 5 s** | 10.2 s | 1.3 %, 1.8 % |

One word of support-mono is 0.4 %. Without word alignment the CPU time would be about a tenth less."""


def long_call(bench, minutes):
    path = bench.work / f"{minutes}min.flac"
    listing = bench.work / "listing.txt"
    calls = [CALLS / f"{call}.flac" for call in ("support-mono", "conference-mono")]
    listing.write_text("".join(f"file '{calls[index % 2]}'\n" for index in range(minutes + 1)))
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(listing), "-t", str(minutes * 60), "-ac", "1", "-ar", "8000", str(path)],
        check=True,
    )
    return path


def lengths(bench, minutes):
    rows = []
    for length in minutes:
        recording = long_call(bench, length)
        runs = [bench.annotate(recording, bench.without) for _ in range(bench.runs if length <= 10 else 1)]
        audio = length * 60
        stages = runs[0][0]["processing"]
        seconds = {stage: median(result["processing"][stage]["seconds"] for result, *_ in runs) for stage in stages}
        total = sum(seconds.values())
        split = ", ".join(f"{stage} {share / total:.0%}" for stage, share in seconds.items() if share / total >= 0.005)
        wall, cpu = (median(values) for values in list(zip(*runs))[1:3])
        memory = max(values[3] for values in runs)
        rows.append([f"{length} min", f"{wall / audio:.3f}", f"{cpu / audio:.3f}", f"{memory / MIB:.0f} MiB", split])
    return rows


def long_recordings(bench, minutes):
    rows = []
    without_whisper = dict(bench.without, CALLANNOTATE__MODELS__DIRS=str(bench.folder("no-models")), TMPDIR=str(bench.work))
    for call, what in (("support-mono", "one channel"), ("billing-stereo", "two channels")):
        for length in minutes:
            recording = bench.work / "long.wav"
            source = ["-stream_loop", "-1", "-i", str(CALLS / f"{call}.flac")]
            subprocess.run(["ffmpeg", "-v", "error", "-y", *source, "-t", str(length * 60), "-ar", "16000", str(recording)], check=True)
            _, _, cpu, memory = bench.annotate(recording, without_whisper)
            rows.append([f"{length} min, {what}", f"{memory / MIB:.0f} MiB", f"{cpu / length / 60:.4f}"])
    (bench.work / "long.wav").unlink()
    return rows


def peer(bench):
    rows = []
    recordings = [CALLS / f"{call}.flac" for call in ("support-mono", "conference-mono")]
    real = SHARED / "audio/calls/derived/Auto_Repairs_40_mono.flac"
    if real.is_file():
        recordings.append(real)
    for recording in recordings:
        plain = bench.work / "plain.wav"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(recording), "-ac", "1", "-ar", "16000", str(plain)], check=True)
        ours, theirs = [], []
        for _ in range(bench.runs):
            result, *_ = bench.annotate(recording, bench.without)
            ours.append(result["processing"]["transcription"]["cpu_seconds"])
            command = [bench.whisper_cli, "-m", str(MODEL), "-t", "2", "-bs", "1", "-bo", "1", "-l", "en", "-f", str(plain)]
            theirs.append(run(command)[2])
        ours, theirs = median(ours), median(theirs)
        rows.append([recording.stem, f"{ours:.1f} s", f"{theirs:.1f} s", f"{ours / theirs:.2f}"])
    return rows
