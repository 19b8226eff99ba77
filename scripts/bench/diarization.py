"""CPU time of the diarization alone, against sherpa-onnx on the same machine and models."""
import subprocess
import sys
from pathlib import Path

import onnx

import resnet34
from measure import CALLS, DEFAULT_MODELS, MIB, MODELS, SHARED, median, run, table

TITLE = "Diarization against sherpa-onnx"
# In minutes; longer recordings would take the peer an hour and too much memory.
LONGEST_OF_PEER = 60
PEER = Path(__file__).parent / "sherpa_peer.py"
SEGMENTATION = SHARED / "models/segmentation/segmentation-3.0.onnx"


def section(bench, quick):
    lengths = [1, 10] if quick else [1, 10, 60, 240]
    rows = [row for voice in voices(bench) for row in measurements(bench, voice, lengths)]
    return f"""CPU time divided by audio time, for the whole process from start to exit, and its peak memory, models included. The segmentation model is
segmentation-3.0, the number of speakers is given, and the audio is the sample calls concatenated (16 kHz, mono). sherpa-onnx (PyPI) runs the
same segmentation and a speaker model of the same cost: ResNet34 is the same file for both, with random weights
(`scripts/bench/resnet34.py`); for `speaker_lda48` the peer has its own `sherpa_lda48`, and for CAM++ an export of the same weights by others.
Transcription is off (no model is installed). From 10 minutes on each is measured once, with one thread; four hours without the peer. Targets: a
quarter of sherpa-onnx's time with ResNet34, 0.15 of it and 0.02 with CAM++, 0.02 with `speaker_lda48`, 0.03 with GE2E, and for an hour 300 MB
above the models, 200 MiB with CAM++ (whose files have 34 MB).

{table(["speaker model", "audio", "threads", "CallAnnotate", "sherpa-onnx", "ratio", "memory", "sherpa-onnx's"], rows)}"""


def voices(bench):
    """For each speaker model: its name, our file, and the peer's file if it has one."""
    network = bench.work / "resnet34.onnx"
    onnx.save(resnet34.build(), network)
    found = [("ResNet34", network, network)]
    speaker = SHARED / "models/speaker"
    if (speaker / "speaker_lda48.onnx").is_file():
        found.append(("speaker_lda48", speaker / "speaker_lda48.onnx", speaker / "sherpa_lda48.onnx"))
    campplus = "speaker/campplus-zh-en.onnx"
    found.append(("CAM++", DEFAULT_MODELS / campplus, SHARED / "models" / campplus))
    found.append(("GE2E", MODELS / "speaker/ge2e-256.onnx", None))
    return found if SEGMENTATION.is_file() else []


def measurements(bench, voice, lengths):
    name, ours, theirs = voice
    rows = []
    for minutes in lengths:
        audio = recording(bench, minutes * 60)
        for threads in (1, 2) if minutes == 1 else (1,):
            runs = bench.runs if minutes == 1 else 1
            mine, memory = measure(our_command(bench, name, ours, audio, threads), runs)
            row = [name, f"{minutes} min", str(threads), f"{mine / minutes / 60:.4f}"]
            if theirs is None or minutes > LONGEST_OF_PEER:
                rows.append([*row, "", "", f"{memory / MIB:.0f} MiB", ""])
                continue
            peer, memory_of_peer = measure(their_command(theirs, audio, threads), runs)
            rows.append([*row, f"{peer / minutes / 60:.4f}", f"{mine / peer:.2f}", f"{memory / MIB:.0f} MiB", f"{memory_of_peer / MIB:.0f} MiB"])
    return rows


def measure(command, runs):
    """Medians of CPU seconds and peak memory in bytes."""
    words, environment = command
    measured = [run(words, **environment)[2:] for _ in range(runs)]
    return median([seconds for seconds, _ in measured]), median([memory for _, memory in measured])


def our_command(bench, name, speaker, audio, threads):
    models = bench.folder(f"models-{name}")
    for kind, model in (("segmentation", SEGMENTATION), ("speaker", speaker)):
        link = bench.folder(f"models-{name}/{kind}") / model.name
        if not link.is_symlink():
            link.symlink_to(model)
    environment = {
        "VOLUME_PATH": str(bench.work / "volume"),
        "CALLANNOTATE__MODELS__DIRS": str(models),
        "CALLANNOTATE__ENGINE__THREADS": str(threads),
    }
    return [bench.binary, "annotate", "--format", "rttm", "--speakers", "2", str(audio)], environment


def their_command(speaker, audio, threads):
    return [sys.executable, str(PEER), str(audio), str(SEGMENTATION), str(speaker), str(threads), "2"], {}


def recording(bench, seconds):
    path = bench.work / f"{seconds}s.wav"
    if not path.is_file():
        listing = bench.work / "listing.txt"
        calls = [CALLS / f"{call}.flac" for call in ("support-mono", "conference-mono")]
        listing.write_text("".join(f"file '{calls[index % 2]}'\n" for index in range(seconds // 60 + 1)))
        command = ["ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", str(listing), "-t", str(seconds), "-ac", "1", "-ar", "16000"]
        subprocess.run(command + [str(path)], check=True)
    return path
