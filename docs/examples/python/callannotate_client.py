#!/usr/bin/env python3
"""A client of CallAnnotate: a class to import. Started as a program it is the command line of callannotate_cli.py.

    python3 callannotate_client.py submit call.wav --wait
    python3 callannotate_client.py --help

Needs Python 3.9, requests and websocket-client. README.md beside this file tells more.
"""
import email.utils
import json
import os
import random
import struct
import time
import uuid
from urllib.parse import quote

import requests
import websocket

# Terminal job statuses: only `retry` and the server's retention change them.
FINISHED = ("completed", "failed", "cancelled", "archived")
# Statuses worth retrying: too many requests, and a server or proxy that temporarily cannot answer.
WORTH_RETRYING = (429, 502, 503, 504)
# Seconds. The server's heartbeat comes every 30 s, so a longer silence means that the connection is dead.
CONNECT_TIMEOUT, SILENCE = 10, 75
# Longest wait of a long poll, in seconds, and the pause between two plain polls.
LONG_POLL, POLL = 30, 2
# Bytes read from the recording at a time.
BLOCK = 64 * 1024


class ApiError(Exception):
    """An error answered by the server; the attributes are those of its error envelope."""

    def __init__(self, status, error):
        self.status = status
        self.code = error.get("code", "UNKNOWN")
        self.message = error.get("message", "")
        self.developer_message = error.get("developer_message")
        self.details = error.get("details") or {}
        self.request_id = error.get("request_id")
        self.retryable = bool(error.get("retryable"))
        super().__init__(f"{self.code}: {self.message}")

    @classmethod
    def parse(cls, status, body, reason):
        try:
            error = json.loads(body)["error"]
            return cls(status, error)
        except (ValueError, KeyError, TypeError, AttributeError):
            # Not the server's envelope: a proxy answered, or this is not CallAnnotate.
            return cls(status, {"code": f"HTTP_{status}", "message": reason})


class JobFailed(Exception):
    """The job ended without a result; `job` is its last state."""

    def __init__(self, job):
        self.job = job
        error = job.get("error") or {}
        super().__init__(": ".join(part for part in (error.get("code") or job["status"].upper(), error.get("message")) if part))


class _Form:
    """A multipart form with one file, streamed from disk block by block, so that its size does not affect memory."""

    def __init__(self, path, fields):
        self.path = path
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        name = os.path.basename(path).replace("\\", "_").replace('"', "%22").replace("\r", "").replace("\n", "")
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{json.dumps(value)}\r\n'
            for field, value in fields.items()
            if value
        )
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        self.head, self.tail = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self.size = len(self.head) + os.path.getsize(path) + len(self.tail)

    def __len__(self):
        return self.size

    def __iter__(self):
        yield self.head
        with open(self.path, "rb") as recording:
            while block := recording.read(BLOCK):
                yield block
        yield self.tail


class CallAnnotate:
    """One server. Every call raises ApiError, or requests.RequestException when the server cannot be reached."""

    def __init__(self, url="http://localhost:8000", api_key=None, attempts=6, sleep=time.sleep):
        self.url = url.rstrip("/")
        self.attempts = attempts
        self.sleep = sleep
        self.session = requests.Session()
        self.headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self.session.headers.update(self.headers)

    # Requests.

    def submit(self, path, metadata=None, options=None, idempotency_key=None):
        """Submits a recording and returns the job. Retrying after a broken connection creates no second job."""
        form = _Form(path, {"metadata": metadata, "options": options})
        headers = {"Content-Type": form.content_type, "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._call("POST", "/jobs", data=form, headers=headers, timeout=(CONNECT_TIMEOUT, 300)).json()

    def status(self, job_id):
        return self._call("GET", self._job(job_id)).json()

    def result(self, job_id):
        return self._call("GET", self._job(job_id) + "/result").json()

    def jobs(self, **filters):
        """Iterates over all jobs, newest first, page by page; `status`, `filename`, `created_after` and others filter."""
        cursor = None
        while True:
            page = self._call("GET", "/jobs", params={**filters, **({"cursor": cursor} if cursor else {})}).json()
            yield from page["data"]
            cursor = page["meta"]["pagination"].get("next_cursor")
            if not cursor:
                return

    def cancel(self, job_id):
        return self._call("POST", self._job(job_id) + "/cancel").json()

    def retry(self, job_id):
        return self._call("POST", self._job(job_id) + "/retry").json()

    def delete(self, job_id):
        self._call("DELETE", self._job(job_id))

    # Following a job.

    def watch(self, job_id, follow="ws"):
        """The messages of a job up to its end: `status_update`, then `result` or `error`.

        `follow` is `ws` (WebSocket), `sse` (Server-Sent Events), `longpoll` or `poll`. A broken connection is taken up
        again from the last number seen, so that nothing is missed and nothing comes twice.
        """
        if follow in ("poll", "longpoll"):
            yield from self._polled(job_id, follow == "longpoll")
            return
        connection = {"ws": self._over_websocket, "sse": self._over_sse}[follow]
        last, status, failures = None, None, 0
        while status not in FINISHED:
            broken = requests.ConnectionError("the server keeps ending the connection before the job has ended")
            try:
                for message in connection(job_id, last):
                    seq = message.get("seq")
                    if seq is not None and last is not None and seq <= last:
                        continue
                    last, failures = (last if seq is None else seq), 0
                    status = message.get("status", status)
                    yield message
                    if message["type"] == "result" or (message["type"] == "error" and "job_id" in message):
                        return
            except (OSError, websocket.WebSocketException) as error:  # Those of requests are OSErrors.
                broken = error
            if status not in FINISHED:
                failures += 1
                if failures == self.attempts:
                    raise broken
                self.sleep(self._backoff(failures - 1))

    def wait(self, job_id, follow="ws", progress=lambda message: None):
        """Waits for a job to end and returns its result, or raises JobFailed."""
        for message in self.watch(job_id, follow):
            if message["type"] == "status_update":
                progress(message)
        job = self.status(job_id)
        if job["status"] != "completed":
            raise JobFailed(job)
        return self.result(job_id)

    def _polled(self, job_id, hold):
        seen, held = None, {}
        while True:
            started = time.monotonic()
            job = self._call("GET", self._job(job_id), **held).json()
            state = {"status": job["status"], "progress": job.get("progress")}
            if state != seen:
                yield {"type": "status_update", "job_id": job_id, **state}
            if job["status"] in FINISHED:
                return
            # An immediate answer without changes: the server, or a proxy, does not support long polls.
            if not hold or (state == seen and time.monotonic() - started < POLL):
                self.sleep(POLL)
            seen = state
            if hold:
                # With the last number seen, a change between two requests is answered at once.
                held = {"headers": {"Prefer": f"wait={LONG_POLL}"}, "params": {"last_seq": job.get("last_seq")}}

    def _over_sse(self, job_id, last):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(last)} if last is not None else {})}
        with self._call("GET", self._job(job_id) + "/events", headers=headers, stream=True) as response:
            if response.status_code == 204:  # No more events will come: the job's end was already sent.
                job = self.status(job_id)
                yield {"type": "status_update", "job_id": job_id, "status": job["status"], "progress": job.get("progress")}
            data, number = [], None
            for line in response.iter_lines():
                field, _, value = line.decode().partition(":")
                value = value[1:] if value.startswith(" ") else value
                if field == "data":
                    data.append(value)
                elif field == "id":
                    number = value
                elif not line and data:
                    message = json.loads("\n".join(data))
                    if number is not None and number.isdigit():
                        message.setdefault("seq", int(number))
                    yield message
                    data, number = [], None

    def _over_websocket(self, job_id, last):
        address = "ws" + self.url[len("http"):] + f"/ws/{quote(job_id, safe='')}" + (f"?last_seq={last}" if last is not None else "")
        headers = [f"{name}: {value}" for name, value in self.headers.items()]
        try:
            socket = websocket.create_connection(address, timeout=SILENCE, header=headers)
        except websocket.WebSocketBadStatusException as refused:
            if refused.status_code in WORTH_RETRYING:
                raise
            raise ApiError.parse(refused.status_code, refused.resp_body, "the WebSocket was refused") from refused
        try:
            while True:
                kind, data = socket.recv_data()
                if kind == websocket.ABNF.OPCODE_TEXT:
                    yield json.loads(data)
                elif kind == websocket.ABNF.OPCODE_CLOSE:
                    code, reason = (struct.unpack("!H", data[:2])[0], data[2:].decode()) if len(data) >= 2 else (1005, "")
                    if code == 4404:
                        raise ApiError(404, {"code": "JOB_NOT_FOUND", "message": reason})
                    return
        finally:
            socket.close()

    # One request.

    def _job(self, job_id):
        return f"/jobs/{quote(job_id, safe='')}"

    def _call(self, method, path, timeout=(CONNECT_TIMEOUT, SILENCE), **more):
        for attempt in range(self.attempts):
            last = attempt + 1 == self.attempts
            try:
                response = self.session.request(method, f"{self.url}/api/v1{path}", timeout=timeout, **more)
            except (requests.ConnectionError, requests.Timeout):
                if last:
                    raise
                self.sleep(self._backoff(attempt))
                continue
            if response.ok:
                return response
            if method == "DELETE" and attempt and response.status_code == 404:
                return response  # An attempt before this one got through, only its answer was lost.
            if last or response.status_code not in WORTH_RETRYING:
                raise ApiError.parse(response.status_code, response.content, response.reason)
            self.sleep(_retry_after(response) or self._backoff(attempt))

    @staticmethod
    def _backoff(attempt):
        """Seconds to wait before trying again: doubling from one to thirty, with jitter, so that clients do not retry all at once."""
        return min(30, 2**attempt) * random.uniform(0.5, 1)


def _retry_after(response):
    """The server's `Retry-After` in seconds, at most five minutes; None without one."""
    value = response.headers.get("Retry-After", "")
    if value.isdigit():
        return min(int(value), 300)
    try:
        return min(max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0), 300)
    except (TypeError, ValueError):
        return None


if __name__ == "__main__":
    # Imported here, so that the class can be used without the command line.
    from callannotate_cli import main

    raise SystemExit(main())
