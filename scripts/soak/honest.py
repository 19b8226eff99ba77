"""The honest clients: they send recordings in every way, follow and fetch them, and expect every request to succeed."""
import asyncio
import itertools
import json
import os
import time
from pathlib import Path

from recordings import wav
from wire import PATIENCE, Refused, WebSocket, body_parts, connect, form, read_head, request

# How long a job may take: others wait before it, the hostile ones among them.
JOB_SECONDS = 600
# Where the honest clients are.
REST, SOCKET, FOLDER, READER = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


class Tally:
    """Requests and failures of one kind of client."""

    def __init__(self):
        self.requests, self.failures, self.jobs = 0, [], 0

    async def expect(self, status, answering):
        self.requests += 1
        got, body = await answering
        if got != status:
            raise Refused(f"{got} instead of {status}: {body[:300]!r}")
        return body


async def repeat(tally, until, pause, act):
    """Acts until the time is over; what goes wrong is noted and does not end the client."""
    for turn in itertools.count():
        if time.time() > until:
            return
        try:
            await asyncio.wait_for(act(turn), JOB_SECONDS)
        except Exception as error:
            tally.failures.append(f"{time.strftime('%H:%M:%S')} {type(error).__name__}: {error}"[:400])
        await asyncio.sleep(pause)


async def fetch(tally, server, source, job, until):
    """Waits for a job by long polls, reads its result and its recording, and deletes it."""
    path = f"/api/v1/jobs/{job}"
    state = {"status": "queued", "last_seq": 1}
    while state["status"] in ("queued", "processing"):
        if time.time() > until:
            return
        state = json.loads(await tally.expect(200, request(server, source, "GET", f"{path}?wait=5&last_seq={state['last_seq']}")))
    if state["status"] != "completed":
        raise Refused(f"the job is {state['status']}: {state.get('error')}")
    await tally.expect(200, request(server, source, "GET", f"{path}/result"))
    await tally.expect(200, request(server, source, "GET", f"{path}/audio"))
    await tally.expect(204, request(server, source, "DELETE", path))
    tally.jobs += 1


async def by_rest(tally, server, until, recording):
    async def act(turn):
        headers, body = form(recording, metadata=json.dumps({"external_id": f"rest-{turn}"}))
        job = json.loads(await tally.expect(201, request(server, REST, "POST", "/api/v1/jobs", headers, body)))["job_id"]
        await fetch(tally, server, REST, job, until)

    await repeat(tally, until, 0.5, act)


async def by_socket(tally, server, until, recording):
    async def act(turn):
        socket = await WebSocket.open(server, SOCKET)
        try:
            tally.requests += 1
            await socket.ask({"type": "upload_start", "size": len(recording), "metadata": {"external_id": f"socket-{turn}"}})
            half = len(recording) // 2
            await socket.send(recording[:half])
            await asyncio.sleep(0.2)
            await socket.send(recording[half:])
            await socket.receive()
            job = (await socket.ask({"type": "upload_finish"}))["job"]["job_id"]
        finally:
            socket.close()
        await follow(tally, server, job, until)
        await fetch(tally, server, SOCKET, job, until)

    await repeat(tally, until, 0.5, act)


async def follow(tally, server, job, until):
    """Reads the events of a job until its result, as a stream."""
    tally.requests += 1
    reader, writer = await connect(server, SOCKET)
    try:
        writer.write(f"GET /api/v1/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n".encode())
        status, headers = await read_head(reader)
        if status != 200:
            raise Refused(f"events: {status}")
        said = b""
        async for part in body_parts(reader, headers):
            said = (said + part)[-200_000:]
            if b'"type":"result"' in said or time.time() > until:
                return
        raise Refused("the events ended without a result")
    finally:
        writer.close()


async def by_folder(tally, server, until, recording, incoming):
    async def act(turn):
        name = f"honest-{os.getpid()}-{turn}.wav"
        hidden = Path(incoming) / f".{name}"
        hidden.write_bytes(recording)
        hidden.rename(Path(incoming) / name)
        while time.time() < until:
            page = json.loads(await tally.expect(200, request(server, FOLDER, "GET", f"/api/v1/jobs?filename={name}")))
            if page["data"]:
                await fetch(tally, server, FOLDER, page["data"][0]["job_id"], until)
                return
            await asyncio.sleep(1)

    await repeat(tally, until, 1, act)


async def by_reading(tally, server, until):
    async def act(_):
        for path in ("/api/v1/jobs?limit=20", "/api/v1/queue/status", "/info", "/api/v1/openapi.json"):
            await tally.expect(200, request(server, READER, "GET", path))
        socket = await WebSocket.open(server, READER)
        try:
            for command in ("ping", "get_health", "list_jobs", "get_queue_status"):
                tally.requests += 1
                await socket.ask({"type": command})
        finally:
            socket.close()

    await repeat(tally, until, 0.5, act)


async def clients(server, until, speech, incoming):
    tallies = {name: Tally() for name in ("REST", "WebSocket and events", "folder", "reading")}
    short = wav(1)
    rest, socket, folder, reading = tallies.values()
    await asyncio.gather(
        by_rest(rest, server, until, speech),
        by_socket(socket, server, until, short),
        by_folder(folder, server, until, short, incoming),
        by_reading(reading, server, until),
    )
    return {name: {"requests": tally.requests, "jobs": tally.jobs, "failures": tally.failures} for name, tally in tallies.items()}


def run(server, until, speech, incoming):
    assert PATIENCE < JOB_SECONDS
    return asyncio.run(clients(server, until, speech, incoming))
