"""The cost of durability: the start on a large volume, accepted recordings against the disk's flushes, work repeated after a kill,
and the time until a cancelled job has stopped."""
import hmac
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

from measure import CALLS, MIB, ROOT, Server, median, memory_of, table, wait_until_finished
from upload import wave_header

START_TITLE = "Start with 100,000 finished jobs"
ACCEPT_TITLE = "Accepted recordings per second"
CANCEL_TITLE = "Cancelling a running job"
KILLS_TITLE = "Work repeated per kill"
# Size of the recording that is sent: 1 s of 8 kHz mono.
RECORDING_BYTES = 16_044
# What stands before the seal at the end of a record.
SEAL = ',\n  "seal": '
# Hard links to one file; ext4 allows 65,000.
MOST_LINKS = 30_000


def start_section(bench, quick):
    count = 10_000 if quick else 100_000
    empty, _ = started(bench, "start-0")
    volume = bench.folder("volumes/start-many")
    fill(bench, volume, count)
    rounds = [started(bench, "start-many") for _ in range(bench.runs)]
    took, memory = median(took for took, _ in rounds), median(memory for _, memory in rounds)
    _, before = started(bench, "start-0")
    shutil.rmtree(bench.work / "volumes")
    rows = [
        ["reading the volume", f"{took:.2f} s", "2 s"],
        ["the same with an empty volume", f"{empty:.2f} s", ""],
        ["memory per finished job", f"{(memory - before) / count:.0f} bytes", ""],
        ["memory of the server with all jobs", f"{memory / MIB:.0f} MiB", ""],
    ]
    return f"""{count} folders in `completed/`, each with a record, a recording and a result, as a real job leaves them. Measured from opening the volume to the
log line which says that it was read; the files are in the page cache.

{table(["measure", "result", "target"], rows)}"""


def fill(bench, volume, count):
    """Fills a volume with copies of one real finished job."""
    with bench.serve("start-seed") as server:
        job_id = server.post(wave_header(RECORDING_BYTES) + bytes(RECORDING_BYTES - 44))["job_id"]
        wait_until_finished(server, job_id)
    seed = bench.folder("volumes/start-seed") / "completed" / job_id
    record, result = (seed / "job.json").read_text(), (seed / "result.json").read_bytes()
    record = record[: record.rindex(SEAL)]
    # The volume accepts only records with the seal of its secret (docs/volume.md).
    shutil.copy(bench.folder("volumes/start-seed") / "seal.secret", volume)
    secret = bytes.fromhex((volume / "seal.secret").read_text())
    recording = seed / "recording.wav"
    for number in range(count):
        other = str(uuid.UUID(int=uuid.uuid4().int, version=4))
        folder = volume / "completed" / other
        folder.mkdir(parents=True)
        text = record.replace(job_id, other)
        seal = hmac.new(secret, b"callannotate job record 1\n" + text.encode(), "sha256").hexdigest()
        (folder / "job.json").write_text(f'{text}{SEAL}"{seal}"\n}}')
        (folder / "result.json").write_bytes(result)
        if number % MOST_LINKS == 0:
            recording = shutil.copy(recording, folder / "recording.wav")
        else:
            os.link(recording, folder / "recording.wav")


def started(bench, name):
    """Seconds that reading the volume took, and the memory of the server after it, in bytes."""
    with bench.serve(name) as server:
        lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        read = next(line for line in lines if line.get("event") == "recovered")
        return read["seconds"], memory_of(server.pid, "VmRSS")


def accept_section(bench, quick):
    count = 100 if quick else 400
    rounds = [accepted(bench, count) for _ in range(bench.runs)]
    ours, disk = (median(values) for values in zip(*rounds))
    rows = [[f"{ours:.0f}", f"{disk:.0f}", f"{disk / ours:.1f}"]]
    return f"""{count} recordings of {RECORDING_BYTES} bytes, one after the other over one connection; each is answered when recording, record and their names are
flushed. For comparison, the same disk in the same minute: a new file of that size is written and flushed, and its folder is flushed, repeatedly. An
accepted recording needs five flushes (the recording, the record, their folder, and the two folders that it moves between), and is also
hashed and examined. With more connections at once the disk combines the flushes of many: see "Requests per second".

{table(["accepted / s", "new files flushed with their folder / s", "such files per recording"], rows)}"""


def accepted(bench, count):
    recording = wave_header(RECORDING_BYTES) + bytes(RECORDING_BYTES - 44)
    settings = {**bench.settings("accept"), "CALLANNOTATE__QUEUE__MAX_LENGTH": "1000000"}
    with Server([bench.peers, "held"], bench.work / "accept.log", settings) as server:
        # The first job is held in the engine, so that no other is processed meanwhile.
        server.post(recording)
        connection = http.client.HTTPConnection(server.address, timeout=60)
        body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="call.wav"\r\n\r\n' + recording + b"\r\n--b--\r\n"
        began = time.monotonic()
        for _ in range(count):
            connection.request("POST", "/api/v1/jobs", body, {"Content-Type": "multipart/form-data; boundary=b"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 201:
                sys.exit(f"a recording was answered {answer.status}")
        ours = count / (time.monotonic() - began)
    shutil.rmtree(bench.work / "volumes/accept")
    folder = bench.folder("flushes")
    handle = os.open(folder, os.O_RDONLY)
    began = time.monotonic()
    for number in range(count):
        with open(folder / str(number), "wb") as file:
            file.write(recording)
            file.flush()
            os.fsync(file.fileno())
        os.fsync(handle)
    disk = count / (time.monotonic() - began)
    os.close(handle)
    shutil.rmtree(folder)
    return ours, disk


def kills_section(bench, quick):
    del bench, quick
    report = ROOT / "target/chaos.json"
    if not report.is_file():
        subprocess.run(["make", "chaos"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    counts = json.loads(report.read_text())
    row = [counts["kills"], counts["jobs"], counts["deleted"], counts["losses"], counts["repeats"], f"{counts['repeats_per_kill']:.2f}"]
    return f"""The last report of `make chaos`: a server under load from requests, WebSockets and the watched folder is killed with SIGKILL up to 0.6 s after each start. A
run that is restarted continues from its checkpoints and repeats one window of transcription, up to 22 s of speech, per thread.

{table(["kills", "jobs", "deleted by their clients", "lost or doubled", "runs restarted", "per kill"], [[str(value) for value in row]])}"""


def cancel_section(bench, quick):
    count = 5 if quick else 20
    times = sorted(cancelled(bench, count))
    rows = [["median", f"{median(times) * 1000:.0f} ms", ""], ["worst", f"{times[-1] * 1000:.0f} ms", "2 s"]]
    return f"""{len(times)} times, at moments spread over the transcription of a call of 74 s. Measured from the cancel request to the state `cancelled`, which is
reported when the engine has stopped and the job is in `failed/`.

{table(["measure", "result", "target"], rows)}"""


def cancelled(bench, count):
    recording = (CALLS / "support-mono.flac").read_bytes()
    with bench.serve("cancel") as server:
        for number in range(count):
            job_id = server.post(recording, "support-mono.flac")["job_id"]
            path = f"/api/v1/jobs/{job_id}"
            wanted = number * 90 // count
            while True:
                job = json.loads(server.get(path))
                if job["status"] == "processing" and job["progress"]["current_stage"] == "transcription" and job["progress"]["stage_progress"] >= wanted:
                    break
                if job["status"] not in ("queued", "processing"):
                    break
            began = time.monotonic()
            request = urllib.request.Request(server.url(f"{path}/cancel"), b"", method="POST")
            try:
                urllib.request.urlopen(request, timeout=60).close()
            except urllib.error.HTTPError as error:
                # The job had already ended.
                error.close()
                continue
            while json.loads(server.get(path))["status"] == "processing":
                pass
            yield time.monotonic() - began
