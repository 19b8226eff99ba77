#!/usr/bin/env python3
"""Starts a server on a free port, sends it the sample calls, follows their progress, prints the dialogues, and stops it.

    python3 scripts/demo.py target/release/callannotate [RECORDING ...]

Needs nothing but Python's standard library.
"""
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# English on one channel, and Russian on two.
SAMPLES = [ROOT / "tests/fixtures/calls" / name for name in ("support-mono.flac", "support-ru-stereo.flac")]
VOLUME = ROOT / ".demo/volume"


def start(binary):
    VOLUME.mkdir(parents=True, exist_ok=True)
    environment = dict(
        os.environ,
        VOLUME_PATH=str(VOLUME),
        CALLANNOTATE__SERVER__HOST="127.0.0.1",
        CALLANNOTATE__SERVER__PORT="0",
        CALLANNOTATE__MODELS__DIRS=str(ROOT / "volume/models"),
    )
    server = subprocess.Popen([binary, "serve"], stdout=subprocess.PIPE, env=environment, text=True)
    for line in server.stdout:
        event = json.loads(line)
        if event.get("event") in ("stage_unavailable", "stage_limited"):
            print(f"note: {event['stage']}: {event['reason']}")
        if event.get("event") == "listening":
            # The log must be read, or the server blocks on a full pipe.
            threading.Thread(target=server.stdout.read, daemon=True).start()
            return server, f"http://{event['address']}/api/v1"
    sys.exit(f"the server did not start (exit code {server.wait()})")


# Requests to the local server bypass any proxy of the environment.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url):
    with OPENER.open(url, timeout=30) as answer:
        return json.load(answer)


def submit(api, recording):
    boundary = uuid.uuid4().hex
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{recording.name}"\r\n\r\n'.encode()
        + recording.read_bytes()
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with OPENER.open(urllib.request.Request(f"{api}/jobs", body, headers), timeout=60) as answer:
        return json.load(answer)


def follow(api, job_id):
    shown = None
    while True:
        job = get(f"{api}/jobs/{job_id}")
        progress = job["progress"]
        line = f"{job['status']}: {progress['percentage']} % {progress['current_stage'] or ''}"
        if line != shown:
            print(f"  {line}")
            shown = line
        if job["status"] in ("completed", "failed"):
            return job
        time.sleep(0.5)


def annotate(api, recording):
    print(f"\nSending {recording.name}")
    job = follow(api, submit(api, recording)["job_id"])
    if job["status"] != "completed":
        sys.exit(f"the job failed: {job['error']['message']}")
    answer = get(f"{api}/jobs/{job['job_id']}/result")
    result = answer["result"]
    labels = {speaker["speaker_id"]: speaker["label"] for speaker in result["speakers"]}
    print()
    for segment in result["segments"]:
        print(f"[{segment['start_time']:7.2f} - {segment['end_time']:7.2f}] {labels[segment['speaker_id']]}: {segment['text']}")
    for warning in result["metadata"]["warnings"]:
        print(f"warning: {warning}")
    duration, took = result["metadata"]["total_duration"], answer["processing_time"]
    print(f"\n{duration:.1f} s of audio, {len(labels)} speakers, {took:.1f} s of work: {duration / max(took, 0.001):.1f} times real time")


def main():
    binary = sys.argv[1]
    recordings = [Path(argument) for argument in sys.argv[2:]] or SAMPLES
    server, api = start(binary)
    try:
        print(f"The server listens at {api}")
        for recording in recordings:
            annotate(api, recording)
    finally:
        server.terminate()
        server.wait()


main()
