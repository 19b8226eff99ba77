#!/usr/bin/env python3
"""A server under hostile and honest load at once: the honest clients must not notice.

    python scripts/soak BINARY [--seconds 1800] [--report FILE]

The server runs with its default settings. The clients come from different addresses of the loopback network, which the server
tells apart. It fails if a request of an honest client fails, if the 99th percentile of `/health` is 100 ms or more, or
if the server's memory grows after the first part of the run. The measured figures are printed as JSON.
"""
import argparse
import collections
import json
import multiprocessing
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dropped
import honest
import hostile

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = ROOT / ".cache/test-models"
# Speech for the honest clients' recordings.
SPEECH = ROOT / "tests/fixtures/calls/voicemail.flac"
PROBE = "127.0.0.6"
PROBE_PAUSE = 0.1
# The bound of the 99th percentile of /health, in milliseconds.
HEALTH_P99_MS = 100
# Memory is compared between the part of the run after the first sixth, and the last sixth: five minutes each of thirty.
PARTS = 6
# What memory may grow by between them: a tenth, and what a few thousand jobs in the list take.
GROWTH = 1.1
GROWTH_BYTES = 16 * 1024 * 1024
MIB = 1024 * 1024


class Server:
    """The server, with default settings except for its address, its port, and where its files are."""

    def __init__(self, binary, volume):
        environment = {
            "PATH": os.environ["PATH"], "VOLUME_PATH": str(volume), "CALLANNOTATE__MODELS__DIRS": str(MODELS),
            "CALLANNOTATE__SERVER__HOST": "127.0.0.1", "CALLANNOTATE__SERVER__PORT": "0",
        }
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen([binary, "serve"], env=environment, text=True, errors="replace", **pipes)
        self.address = self.listening()
        # Every request is a line: only the last ones are kept, for the case that it dies.
        self.log = collections.deque(maxlen=20)
        threading.Thread(target=lambda: self.log.extend(self.process.stdout), daemon=True).start()

    def listening(self):
        for line in self.process.stdout:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "listening":
                host, port = event["address"].rsplit(":", 1)
                return host, int(port)
        sys.exit("the server ended before it listened")

    def memory(self, field):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        return 0

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def probe(server, until):
    """Asks for the health as a load balancer does, each time over a new connection: milliseconds, and what failed."""
    times, failures = [], []
    while time.time() < until:
        began = time.monotonic()
        try:
            with socket.create_connection(server, timeout=30, source_address=(PROBE, 0)) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b""
                while part := connection.recv(65536):
                    answer += part
            if not answer.startswith(b"HTTP/1.1 200 "):
                failures.append(answer[:300].decode("latin-1"))
        except OSError as error:
            failures.append(f"{type(error).__name__}: {error}")
        times.append((time.monotonic() - began) * 1000)
        time.sleep(max(0, PROBE_PAUSE - (time.monotonic() - began)))
    return times, failures


def in_a_process(function, *arguments):
    """Starts a function in a process of its own; returns how to wait for what it returns."""
    receiving, sending = multiprocessing.Pipe(duplex=False)

    def work():
        sending.send(function(*arguments))
        sending.close()
        # At once, whatever is still open.
        os._exit(0)

    process = multiprocessing.Process(target=work, daemon=True)
    process.start()
    sending.close()

    def result():
        try:
            return receiving.recv()
        finally:
            process.join()

    return result


def soak(binary, seconds, work):
    volume = work / "volume"
    volume.mkdir()
    server = Server(binary, volume)
    try:
        idle = server.memory("VmRSS")
        began = time.time()
        until = began + seconds
        waits = {
            "health": in_a_process(probe, server.address, until),
            "honest": in_a_process(honest.run, server.address, until, SPEECH.read_bytes(), volume / "incoming"),
            "network": in_a_process(hostile.run, server.address, until),
            "folder": in_a_process(dropped.run, volume, until),
        }
        memory = []
        while time.time() < until and server.process.poll() is None:
            memory.append((time.time() - began, server.memory("VmRSS")))
            time.sleep(1)
        died = server.process.poll()
        peak = server.memory("VmHWM") if died is None else 0
        results = {name: wait() for name, wait in waits.items()}
    except EOFError:
        sys.exit("a process of clients died")
    finally:
        server.stop()
    if died is not None:
        print("".join(server.log), file=sys.stderr)
    return report(results, {"seconds": seconds, "died": died, "idle": idle, "peak": peak, "samples": memory})


def report(results, run):
    times, failures = results["health"]
    times.sort()
    part = run["seconds"] / PARTS
    of_part = lambda number: [size for at, size in run["samples"] if number * part <= at < (number + 1) * part]
    early, late = of_part(1), of_part(PARTS - 1)
    return {
        "seconds": run["seconds"],
        "exit_code": run["died"],
        "honest": results["honest"],
        "health": {
            "requests": len(times), "failures": failures,
            "p50_ms": times[len(times) // 2], "p99_ms": times[len(times) * 99 // 100], "max_ms": times[-1],
        },
        "memory": {
            "idle": run["idle"], "peak": run["peak"],
            "early": statistics.median(early or [0]), "late": statistics.median(late or [0]),
        },
        "hostile": {**results["network"], **results["folder"]},
    }


def complaints(figures):
    """Why a run does not count as passed."""
    if figures["exit_code"] is not None:
        yield f"the server ended with {figures['exit_code']}"
    for name, client in figures["honest"].items():
        if client["failures"]:
            yield f"{len(client['failures'])} of {client['requests']} honest requests by {name} failed: {client['failures'][0]}"
        if not client["requests"]:
            yield f"no honest requests by {name}"
    health, memory = figures["health"], figures["memory"]
    if health["failures"]:
        yield f"{len(health['failures'])} of {health['requests']} requests for /health failed: {health['failures'][0]}"
    if health["p99_ms"] >= HEALTH_P99_MS:
        yield f"p99 of /health is {health['p99_ms']:.0f} ms"
    if memory["late"] > memory["early"] * GROWTH + GROWTH_BYTES:
        yield f"memory grew from {memory['early'] / MIB:.0f} to {memory['late'] / MIB:.0f} MiB"
    for kind, count in figures["hostile"].items():
        if not count:
            yield f"no attack of the kind {kind}"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("--seconds", type=int, default=1800)
    arguments.add_argument("--report", type=Path)
    arguments = arguments.parse_args()
    multiprocessing.set_start_method("fork")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    (ROOT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as work:
        figures = soak(os.path.abspath(arguments.binary), arguments.seconds, Path(work))
    figures["complaints"] = list(complaints(figures))
    text = json.dumps(figures, indent=1)
    if arguments.report:
        arguments.report.write_text(text)
    print(text)
    sys.exit("\n".join(figures["complaints"]) or 0)


main()
