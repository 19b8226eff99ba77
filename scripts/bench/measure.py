"""Shared by the measurements: running programs, the server under test, tables."""
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CALLS = ROOT / "tests/fixtures/calls"
SHARED = Path(os.environ.get("CALLANNOTATE_TEST_SHARED", ROOT.parent / "shared"))
# The models of the tests (`make test-models`), so that figures do not depend on what a user's volume holds.
MODELS = ROOT / ".cache/test-models"
# What `make models` brings.
DEFAULT_MODELS = ROOT / ".cache/default-models"
MODEL = MODELS / "whisper/ggml-tiny.en-q8_0.bin"
ENGLISH = ["support-mono", "billing-stereo", "conference-mono", "voicemail"]
MIB = 1024 * 1024

# The capacity of the server is measured, not its limit per client.
UNLIMITED = {"CALLANNOTATE__RATE_LIMITS__ENABLED": "false"} if "\nrate_limits:" in (ROOT / "config/default.yaml").read_text() else {}


def run(command, **environment):
    """Runs a command: its output, wall seconds, CPU seconds and peak memory in bytes."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
    alarm = threading.Timer(3600, process.kill)
    alarm.start()
    # Not ru_maxrss of the ended process: that is never less than this program's own memory.
    ended, peak = threading.Event(), [0]
    watch = threading.Thread(target=watch_memory, args=(process.pid, ended, peak))
    watch.start()
    output = process.stdout.read()
    ended.set()
    watch.join()
    alarm.cancel()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{command[0]} failed on {command[-1]}")
    return output, wall, usage.ru_utime + usage.ru_stime, peak[0]


def watch_memory(pid, ended, peak):
    """Polls the peak memory of a process until it ends."""
    while not ended.wait(0.02):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                peak[0] = max(peak[0], int(line.split()[1]) * 1024)


class Bench:
    """The programs, how often each measurement is repeated, and a folder to work in."""

    def __init__(self, binary, whisper_cli, peers, runs, work):
        self.binary, self.whisper_cli, self.peers, self.runs, self.work = binary, whisper_cli, peers, runs, Path(work)
        self.without = {"VOLUME_PATH": str(self.work / "volume"), "CALLANNOTATE__MODELS__DIRS": str(MODELS)}
        # Whisper alone, so that the built-in voiceprint is used.
        (self.folder("models-whisper/whisper") / MODEL.name).symlink_to(MODEL)
        self.built_in = dict(self.without, CALLANNOTATE__MODELS__DIRS=str(self.folder("models-whisper")))
        self.with_shared = dict(self.without, CALLANNOTATE__MODELS__DIRS=f"{MODELS},{SHARED / 'models'}")

    def annotate(self, recording, environment):
        output, wall, cpu, memory = run([self.binary, "annotate", "--format", "json", str(recording)], **environment)
        return json.loads(output), wall, cpu, memory

    def folder(self, name):
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def serve(self, name, **environment):
        """A server on a volume of that name."""
        return Server([self.binary, "serve"], self.work / f"{name}.log", dict(self.without, **self.settings(name), **environment))

    def settings(self, name):
        """Environment of a server on a volume of that name."""
        return {
            "VOLUME_PATH": str(self.folder(f"volumes/{name}")),
            "CALLANNOTATE__SERVER__HOST": "127.0.0.1",
            "CALLANNOTATE__SERVER__PORT": "0",
            **UNLIMITED,
        }


class Server:
    """A server process that logs to a file, including a JSON line with the address where it listens."""

    def __init__(self, command, log, environment):
        self.command, self.log, self.environment = command, Path(log), environment

    def __enter__(self):
        with open(self.log, "w") as output:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=output, stderr=output, env={**os.environ, **self.environment})
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.log.read_text().splitlines():
                event = json.loads(line) if line.startswith("{") and line.endswith("}") else {}
                if event.get("event") == "listening":
                    self.address, self.pid = event["address"], self.process.pid
                    return self
            time.sleep(0.05)
        self.process.kill()
        sys.exit(f"{self.command[0]} does not listen: {self.log.read_text()[-500:]}")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.log.unlink()

    def url(self, path):
        return f"http://{self.address}{path}"

    def get(self, path):
        with urllib.request.urlopen(self.url(path), timeout=60) as answer:
            return answer.read()

    def post(self, recording, filename="call.wav"):
        """Submits a recording and returns the body of the answer."""
        head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'.encode()
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        request = urllib.request.Request(self.url("/api/v1/jobs"), head + recording + b"\r\n--b--\r\n", headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def cpu_seconds(self):
        """CPU seconds that the process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_finished(server, job_id, seconds=1800):
    """Waits for a job to end and returns its last state."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = json.loads(server.get(f"/api/v1/jobs/{job_id}"))
        if job["status"] not in ("queued", "processing"):
            return job
        time.sleep(0.05)
    sys.exit(f"job {job_id} did not end")


def memory_of(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    sys.exit(f"no {field} of process {pid}")


def median(values):
    return statistics.median(values)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def processor():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} cores of {names[0] if names else platform.processor()}"
