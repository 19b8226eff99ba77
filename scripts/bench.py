#!/usr/bin/env python3
"""Measures what docs/benchmarks.md tells, and writes it.

    bench.py BINARY WHISPER_CLI [--quick]

Speeds are ratios to a peer or a bound measured in the same run, medians of several runs, because the machine they are
measured on is shared. --quick leaves out the 60 minutes and takes one run each.
"""
import argparse
import http.client
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CALLS = ROOT / "tests/fixtures/calls"
SHARED = Path(os.environ.get("CALLANNOTATE_TEST_SHARED", ROOT.parent / "shared"))
MODEL = ROOT / "volume/models/whisper/ggml-tiny.en-q8_0.bin"
ENGLISH = ["support-mono", "billing-stereo", "conference-mono", "voicemail"]
MIB = 1024 * 1024


def run(command, **environment):
    """Runs a command: its output, wall seconds, CPU seconds and peak memory in bytes."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    alarm = threading.Timer(1800, process.kill)
    alarm.start()
    output = process.stdout.read()
    alarm.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{command[0]} failed on {command[-1]}")
    return output, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


class Bench:
    def __init__(self, binary, whisper_cli, runs, work):
        self.binary, self.whisper_cli, self.runs, self.work = binary, whisper_cli, runs, Path(work)
        self.without = {"VOLUME_PATH": str(self.work / "volume"), "CALLANNOTATE__MODELS__DIRS": str(ROOT / "volume/models")}
        self.with_shared = dict(self.without, CALLANNOTATE__MODELS__DIRS=f"{ROOT / 'volume/models'},{SHARED / 'models'}")

    def annotate(self, recording, environment):
        output, wall, cpu, memory = run([self.binary, "annotate", "--format", "json", str(recording)], **environment)
        return json.loads(output), wall, cpu, memory

    # -- accuracy

    def accuracy(self):
        rows = []
        settings = [("VAD, built-in voiceprint", self.without)]
        if (SHARED / "models/segmentation").is_dir():
            settings.append(("segmentation-3.0, GE2E", self.with_shared))
        for name, environment in settings:
            for call in [*ENGLISH, "support-ru-stereo", "hold-music"]:
                result, *_ = self.annotate(CALLS / f"{call}.flac", environment)
                reference = json.loads((CALLS / f"{call}.json").read_text())
                expected = len(reference.get("speakers", []))
                row = [name, call, f"{result['metadata']['speaker_count']} of {expected}", str(result["metadata"]["word_count"])]
                row += self.words(reference, result) if call in ENGLISH else ["", ""]
                row += self.turns(call, CALLS / f"{call}.rttm", result) if expected else [""]
                rows.append(row)
        return rows

    def words(self, reference, result):
        hypothesis, truth = self.work / "hypothesis.json", self.work / "reference.json"
        hypothesis.write_text(json.dumps([{"speaker": s["speaker_id"], "start": s["start_time"], "text": s["text"]} for s in result["segments"]]))
        truth.write_text(json.dumps([{"speaker": t["speaker"], "start": t["start"], "text": t["text"]} for t in reference["turns"]]))
        score = json.loads(run([sys.executable, str(ROOT / "scripts/score_wer.py"), str(truth), str(hypothesis)])[0])
        return [f"{score['wer'] * 100:.1f} %", f"{score['cpwer'] * 100:.1f} %"]

    def turns(self, name, reference, result, uem=None):
        hypothesis = self.work / "hypothesis.rttm"
        lines = (f"SPEAKER {name} 1 {t['start_time']:.3f} {t['end_time'] - t['start_time']:.3f} <NA> <NA> {t['speaker_id']} <NA> <NA>\n" for t in result["turns"])
        hypothesis.write_text("".join(lines))
        command = [sys.executable, str(ROOT / "scripts/score_der.py"), str(reference), str(hypothesis), "--collar", "0.25"]
        if uem:
            command += ["--uem", str(uem)]
        score = json.loads(run(command)[0])
        return [f"{score['der'] * 100:.1f} %"]

    # -- speed and memory

    def long_call(self, minutes):
        path = self.work / f"{minutes}min.flac"
        listing = self.work / "listing.txt"
        calls = [CALLS / f"{call}.flac" for call in ("support-mono", "conference-mono")]
        listing.write_text("".join(f"file '{calls[index % 2]}'\n" for index in range(minutes + 1)))
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0", "-i", str(listing), "-t", str(minutes * 60), "-ac", "1", "-ar", "8000", str(path)],
            check=True,
        )
        return path

    def lengths(self, minutes):
        rows = []
        for length in minutes:
            recording = self.long_call(length)
            runs = [self.annotate(recording, self.without) for _ in range(self.runs if length <= 10 else 1)]
            audio = length * 60
            stages = runs[0][0]["processing"]
            seconds = {stage: statistics.median(result["processing"][stage]["seconds"] for result, *_ in runs) for stage in stages}
            total = sum(seconds.values())
            split = ", ".join(f"{stage} {share / total:.0%}" for stage, share in seconds.items() if share / total >= 0.005)
            wall, cpu = (statistics.median(values) for values in list(zip(*runs))[1:3])
            memory = max(values[3] for values in runs)
            rows.append([f"{length} min", f"{wall / audio:.3f}", f"{cpu / audio:.3f}", f"{memory / MIB:.0f} MiB", split])
        return rows

    def peer(self):
        rows = []
        recordings = [CALLS / f"{call}.flac" for call in ("support-mono", "conference-mono")]
        real = SHARED / "audio/calls/derived/Auto_Repairs_40_mono.flac"
        if real.is_file():
            recordings.append(real)
        for recording in recordings:
            plain = self.work / "plain.wav"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(recording), "-ac", "1", "-ar", "16000", str(plain)], check=True)
            ours, theirs = [], []
            for _ in range(self.runs):
                result, *_ = self.annotate(recording, self.without)
                ours.append(result["processing"]["transcription"]["cpu_seconds"])
                command = [self.whisper_cli, "-m", str(MODEL), "-t", "2", "-bs", "1", "-bo", "1", "-l", "en", "-f", str(plain)]
                theirs.append(run(command)[2])
            ours, theirs = statistics.median(ours), statistics.median(theirs)
            rows.append([recording.stem, f"{ours:.1f} s", f"{theirs:.1f} s", f"{ours / theirs:.2f}"])
        return rows

    # -- upload

    def upload(self):
        size = 1024 * MIB - 4096
        environment = dict(self.without, CALLANNOTATE__SERVER__HOST="127.0.0.1", CALLANNOTATE__SERVER__PORT="0", CALLANNOTATE__FILES__MAX_DURATION_SECONDS="60")
        server = subprocess.Popen([self.binary, "serve"], stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True)
        try:
            address = next(event["address"] for event in map(json.loads, server.stdout) if event.get("event") == "listening")
            threading.Thread(target=server.stdout.read, daemon=True).start()
            before = memory_of(server.pid, "VmRSS")
            times, disk = [], []
            for _ in range(self.runs):
                times.append(send(address, size))
                disk.append(self.disk(size))
            growth = memory_of(server.pid, "VmHWM") - before
        finally:
            server.kill()
            server.wait()
        ours, bound = statistics.median(times), statistics.median(disk)
        return [[f"{size / MIB / ours:.0f} MiB/s", f"{size / MIB / bound:.0f} MiB/s", f"{bound / ours:.2f}", f"{growth / MIB:.0f} MiB"]]

    def disk(self, size):
        """Writing the same bytes to the same disk, flushed."""
        path, block = self.work / "disk", bytes(MIB)
        began = time.monotonic()
        with open(path, "wb") as file:
            for _ in range(size // MIB):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        took = time.monotonic() - began
        path.unlink()
        return took


def memory_of(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    sys.exit(f"no {field} of process {pid}")


def send(address, size):
    """Sends a recording of 8 kHz mono that is far longer than allowed: it is taken in whole, examined, and then refused."""
    header = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + bytes.fromhex("10000000 0100 0100 401f0000 803e0000 0200 1000")
    header += b"data" + (size - 44).to_bytes(4, "little")
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    tail = b"\r\n--b--\r\n"

    def body():
        yield head + header
        block, left = bytes(MIB), size - len(header)
        while left > 0:
            yield block[:left]
            left -= MIB
        yield tail

    connection = http.client.HTTPConnection(address, timeout=600)
    began = time.monotonic()
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(head) + size + len(tail))}
    connection.request("POST", "/api/v1/jobs", body(), headers)
    answer = connection.getresponse()
    code = json.load(answer)["error"]["code"]
    took = time.monotonic() - began
    if code != "AUDIO_TOO_LONG":
        sys.exit(f"the upload was answered {code}")
    return took


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def processor():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} cores of {names[0] if names else platform.processor()}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("whisper_cli")
    arguments.add_argument("--quick", action="store_true")
    arguments = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as work:
        (Path(work) / "volume").mkdir()
        bench = Bench(os.path.abspath(arguments.binary), os.path.abspath(arguments.whisper_cli), 1 if arguments.quick else 3, work)
        text = f"""# Benchmarks

Written by `make bench` on {processor()}, shared with other work: trust ratios and CPU time more than wall time. Medians of
{bench.runs} run(s). Whisper tiny.en q8_0, {os.cpu_count()} threads.

## Accuracy on the sample calls

WER and cpWER as `scripts/score_wer.py` normalises, over the whole call; DER with overlap, collar 0.25 s. What the WER of plain
whisper.cpp on these calls is, `tests/fixtures/calls/README.md` tells.

{table(["diarization", "call", "speakers", "words", "WER", "cpWER", "DER"], bench.accuracy())}

## Time and memory by length

The sample calls one after the other, 8 kHz mono, `callannotate annotate` with VAD and the built-in voiceprint, the start and the
loading of models included. Time as a share of the audio's length.

{table(["audio", "wall time / audio", "CPU time / audio", "peak memory", "split of the time"], bench.lengths([1, 10] if arguments.quick else [1, 10, 60]))}

## Transcription against whisper.cpp's own command line

CPU time on the same audio, model and build flags, greedy, two threads.

{table(["recording", "CallAnnotate", "whisper-cli", "ratio"], bench.peer())}

How the windows were chosen: CPU time on the real call of 245 s, and WER on support-mono without and with the segmentation model,
measured one after the other.

| windows | CPU time | WER |
| --- | --- | --- |
| 30 s at pauses, what is left of each in a pass of its own | 21.5 s | 0.9 %, 2.2 % |
| 30 s, what is left goes into the next window | 14.1 s | 0.4 %, 0.9 % |
| 29 s at pauses, encoder frames a multiple of 32 | 11.6 s | 1.3 %, 1.3 % |
| the same, and one thread for the graph that smooths the alignment | 11.0 s | 1.3 %, 1.3 % |
| 18 s at pauses, otherwise the same | 9.5 s | 1.8 %, 1.3 % |
| **22 s at pauses, at least 768 frames, the last window at least 5 s** | 10.2 s | 1.3 %, 1.8 % |

One word of support-mono is 0.4 %. Without word alignment the CPU time would be about a tenth less.

## Upload of 1 GiB

One connection on loopback; the bound is writing and flushing the same bytes to the same disk. The recording is refused after it was
taken in and examined, so that nothing else uses memory.

{table(["throughput", "disk", "ratio", "growth of memory"], bench.upload())}
"""
    (ROOT / "docs/benchmarks.md").write_text(text)
    print(text)


main()
