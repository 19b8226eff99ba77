"""Requests per second, against a bare axum handler and FastAPI, and thousands of WebSockets on one job."""
import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from measure import Server, median, run, table, wait_until_finished
from upload import wave_header

REQUESTS_TITLE = "Requests per second"
SUBSCRIBERS_TITLE = "Subscribers to one job"
HERE = Path(__file__).resolve().parent
# Size of the recording that is sent: 1 s of 8 kHz mono.
RECORDING_BYTES = 16_044
CONNECTIONS = 32


def requests_section(bench, quick):
    seconds = 2 if quick else 5
    get, post = measure(bench, seconds)
    return f"""wrk, {CONNECTIONS} connections from the same machine for {seconds} s, one server after the other in each round; medians of {bench.runs}
round(s). CPU time is that of the server process per request. Bare axum answers with the same bytes from memory; CallAnnotate
looks up the job, checks the request, gives it an id, and logs a line for it. Rate limits are off, the log goes to a file.

`GET /api/v1/jobs/{{job_id}}` of a completed job; targets: at least 0.6 of bare axum, at least 10 times FastAPI.

{table(HEAD, get)}

`POST /api/v1/jobs` of a WAV of {RECORDING_BYTES} bytes. The others write the recording and flush it once. CallAnnotate answers when the recording
and its record are safely on the disk, each under its final name: five flushes of files and folders, one after the other.
Where the disk is the bottleneck, the ratio is therefore bounded by one flush against five. It also hashes and examines the audio.
The engine is held meanwhile, so that the models take no time from the requests.

{table(HEAD, post)}"""


HEAD = ["server", "requests / s", "p50", "p99", "CPU time / request", "CallAnnotate's requests / s as a ratio"]


def measure(bench, seconds):
    with ExitStack() as stack:
        ours = stack.enter_context(bench.serve("requests"))
        job = wait_until_finished(ours, ours.post(wave_header(RECORDING_BYTES) + bytes(RECORDING_BYTES - 44))["job_id"])
        body = bench.work / "body.json"
        body.write_bytes(ours.get(f"/api/v1/jobs/{job['job_id']}"))
        held = Server([bench.peers, "held"], bench.work / "held.log", {**bench.settings("held"), "CALLANNOTATE__QUEUE__MAX_LENGTH": "1000000"})
        held = stack.enter_context(held)
        # The first recording is the one held in the engine.
        held.post(wave_header(RECORDING_BYTES) + bytes(RECORDING_BYTES - 44))
        axum = stack.enter_context(Server([bench.peers, "peer", str(body), str(bench.folder("axum"))], bench.work / "axum.log", {}))
        fastapi = [sys.executable, str(HERE / "fastapi_peer.py"), str(body), str(bench.folder("fastapi"))]
        fastapi = stack.enter_context(Server(fastapi, bench.work / "fastapi.log", {}))
        form = bench.work / "form"
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="call.wav"\r\n\r\n'
        form.write_bytes(head + wave_header(RECORDING_BYTES) + bytes(RECORDING_BYTES - 44) + b"\r\n--b--\r\n")
        get = compare(bench, {"CallAnnotate": ours, "bare axum": axum, "FastAPI, uvicorn": fastapi}, f"/api/v1/jobs/{job['job_id']}", seconds, {})
        environment = {"BODY": str(form), "BOUNDARY": "b"}
        post = compare(bench, {"CallAnnotate": held, "bare axum": axum, "FastAPI, uvicorn": fastapi}, "/api/v1/jobs", seconds, environment)
    for folder in ("volumes", "axum", "fastapi"):
        shutil.rmtree(bench.work / folder, ignore_errors=True)
    return get, post


def compare(bench, servers, path, seconds, environment):
    """Measures every server in every round, so that other load on the machine affects all of them alike."""
    rounds = {name: [] for name in servers}
    for server in servers.values():
        load(server, path, 1, environment)
    for _ in range(bench.runs):
        for name, server in servers.items():
            rounds[name].append(load(server, path, seconds, environment))
    ours = rounds["CallAnnotate"]
    rows = []
    for name, theirs in rounds.items():
        rate, p50, p99, cpu = (median(values) for values in zip(*theirs))
        ratio = median(our[0] / their[0] for our, their in zip(ours, theirs))
        rows.append([name, f"{rate:.0f}", f"{p50:.2f} ms", f"{p99:.2f} ms", f"{cpu * 1e6:.0f} µs", "" if name == "CallAnnotate" else f"{ratio:.2f}"])
    return rows


def load(server, path, seconds, environment):
    """Requests per second, median and 99th percentile latency in ms, and CPU seconds per request."""
    before = server.cpu_seconds()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(HERE / "report.lua"), server.url(path)]
    measured = json.loads(run(command, **environment)[0].decode().splitlines()[-1])
    if measured["failed"]:
        sys.exit(f"{measured['failed']} of {measured['requests']} requests to {server.url(path)} failed")
    count = measured["requests"]
    return count / measured["seconds"], measured["p50_ms"], measured["p99_ms"], (server.cpu_seconds() - before) / count


def subscribers_section(bench, quick):
    # After 25 progress reports the stage is complete.
    count, events = 2000, 10 if quick else 25
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count * 2 + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(f"{wanted} open files are needed, and only {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted) if soft != resource.RLIM_INFINITY else soft, hard))
    rounds = []
    for number in range(bench.runs):
        # A volume per round: jobs that one round leaves unfinished would be continued by the next.
        # All subscribers come from one address here.
        one_client = {"CALLANNOTATE__SERVER__MAX_CONNECTIONS_PER_CLIENT": "4096"}
        environment = {**os.environ, **bench.settings(f"subscribers-{number}"), **one_client}
        command = [bench.peers, "subscribers", str(count), str(events), "250"]
        rounds.append(json.loads(subprocess.run(command, stdout=subprocess.PIPE, env=environment, timeout=600, check=True).stdout))
    shutil.rmtree(bench.work / "volumes", ignore_errors=True)
    value = {name: median(measured[name] for measured in rounds) for name in rounds[0]}
    rows = [
        ["delay from event to receipt, p50", f"{value['p50_ms']:.0f} ms", ""],
        ["p99", f"{value['p99_ms']:.0f} ms", "100 ms"],
        ["worst", f"{value['max_ms']:.0f} ms", ""],
        ["memory of an idle connection", f"{value['idle_bytes_per_connection'] / 1024:.1f} KiB", "32 KiB"],
        ["after the events", f"{value['busy_bytes_per_connection'] / 1024:.1f} KiB", ""],
    ]
    return f"""{count} WebSockets on `/ws/{{job_id}}` of one running job, {events} events 250 ms apart, client and server on the same machine; medians of {bench.runs}
round(s). The delay is measured from the report inside the engine to the receipt by the client, over all subscribers and events: the last
subscriber waits until the others have been served. Memory is the growth of the server's resident memory per connection.

{table(["measure", "result", "target"], rows)}"""
