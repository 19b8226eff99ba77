"""The Python client against a server that fails, pauses and breaks connections: what it sends, repeats and resumes."""
import base64
import hashlib
import json
import struct
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
import websocket

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs/examples/python"))
from callannotate_client import ApiError, CallAnnotate, JobFailed  # noqa: E402
from scripted_server import CUT, Handler, Server  # noqa: E402

JOB = "550e8400-e29b-41d4-a716-446655440000"
STATES = ["queued", "processing", "processing", "completed"]
EVENTS = [
    {"type": "status_update", "job_id": JOB, "status": status, "progress": {"percentage": 25 * number}, "seq": number}
    for number, status in enumerate(STATES, 1)
] + [{"type": "result", "job_id": JOB, "status": "completed", "result": {}, "seq": 5}]
@pytest.fixture
def serve():
    servers = []

    def start(answer):
        server = Server(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pauses():
    return []


def client(server, pauses, **more):
    made = CallAnnotate(server.url, sleep=pauses.append, **more)
    made.session.trust_env = False
    return made


def error(code, **more):
    return {"error": {"code": code, "message": code.lower(), "request_id": "req_1", **more}}


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / 'a "call".wav'
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def test_a_submission_is_repeated_with_its_key_until_it_is_taken(serve, pauses, recording):
    answers = [
        CUT,
        (503, {"Retry-After": "7"}, error("QUEUE_FULL")),
        (429, {"Retry-After": "0"}, error("RATE_LIMITED")),
        (201, {}, {"job_id": JOB, "status": "queued"}),
    ]
    server = serve(lambda request: answers[len(server.requests) - 1])
    job = client(server, pauses).submit(str(recording), {"external_id": "42"}, {"language": "en"})
    assert job["job_id"] == JOB
    assert [request.path for request in server.requests] == ["/api/v1/jobs"] * 4
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert len({request.body for request in server.requests}) == 1
    body = server.requests[-1].body
    assert b'name="metadata"\r\n\r\n{"external_id": "42"}\r\n' in body
    assert b'name="options"\r\n\r\n{"language": "en"}\r\n' in body
    assert b'name="file"; filename="a %22call%22.wav"\r\n\r\n' + recording.read_bytes() + b"\r\n--" in body
    assert len(pauses) == 3
    assert 0.5 <= pauses[0] <= 1
    assert pauses[1] == 7


def test_two_submissions_have_two_keys(serve, pauses, recording):
    server = serve(lambda request: (201, {}, {"job_id": JOB}))
    for _ in range(2):
        client(server, pauses).submit(str(recording))
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 2
    assert pauses == []


def test_a_recording_is_not_held_in_memory(serve, pauses, tmp_path):
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    received = []

    def answer(request):
        return 201, {}, {"job_id": JOB}

    server = serve(answer)
    # The stub only counts the received bytes: keeping a copy would count as the client's memory.
    original = Handler.handle

    def count(handler):
        class Counted:
            def __init__(self, file):
                self.file = file

            def readline(self):
                return self.file.readline()

            def read(self, length):
                left = length
                while left:
                    left -= len(self.file.read(min(left, 65536)))
                received.append(length)
                return b""

        handler.rfile = Counted(handler.rfile)
        original(handler)

    Handler.handle = count
    tracemalloc.start()
    try:
        client(server, pauses).submit(str(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        Handler.handle = original
    assert received[0] > path.stat().st_size
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize("status, attempts", [(400, 1), (404, 1), (500, 1), (413, 1), (502, 6), (503, 6), (504, 6)])
def test_only_what_may_pass_is_tried_again(serve, pauses, status, attempts):
    server = serve(lambda request: (status, {}, error("SOME_CODE", retryable=False, details={"a": 1})))
    with pytest.raises(ApiError) as caught:
        client(server, pauses).status(JOB)
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, "SOME_CODE", "req_1")
    assert caught.value.details == {"a": 1}
    assert (len(server.requests), len(pauses)) == (attempts, attempts - 1)


def test_an_answer_that_is_not_the_servers_is_an_error_too(serve, pauses):
    server = serve(lambda request: (418, {}, ["no envelope"]))
    with pytest.raises(ApiError) as caught:
        client(server, pauses).status(JOB)
    assert caught.value.code == "HTTP_418"


def test_a_deletion_whose_answer_was_lost_has_succeeded(serve, pauses):
    server = serve(lambda request: CUT if len(server.requests) == 1 else (404, {}, error("JOB_NOT_FOUND")))
    client(server, pauses).delete(JOB)
    assert [request.method for request in server.requests] == ["DELETE", "DELETE"]
    with pytest.raises(ApiError):
        client(serve(lambda request: (404, {}, error("JOB_NOT_FOUND"))), pauses).delete(JOB)


def test_every_page_of_the_list_is_fetched(serve, pauses):
    def answer(request):
        cursor = int(request.query.get("cursor", 0))
        following = str(cursor + 1) if cursor < 2 else None
        return 200, {}, {"data": [{"job_id": str(cursor)}], "meta": {"pagination": {"limit": 1, "next_cursor": following}}}

    server = serve(answer)
    assert [job["job_id"] for job in client(server, pauses).jobs(status=["failed"])] == ["0", "1", "2"]
    assert {request.query["status"] for request in server.requests} == {"failed"}


def test_the_key_goes_with_every_request(serve, pauses):
    server = serve(lambda request: (200, {}, {"job_id": JOB, "status": "completed"}))
    client(server, pauses, api_key="ca_secret").status(JOB)
    assert server.requests[0].headers["authorization"] == "Bearer ca_secret"


def sse(request, cut):
    """The events after `Last-Event-ID`, in chunks that break lines anywhere; ends when `cut` says so."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    def write(text):
        for start in range(0, len(text), 7):
            part = text[start : start + 7]
            request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    write(b"retry: 500\n: heartbeat\n\n")
    for event in EVENTS[int(request.headers.get("last-event-id", 0)) :]:
        if cut(event):
            return CUT
        data = {name: value for name, value in event.items() if name != "seq"}
        write(f"id: {event['seq']}\nevent: {event['type']}\ndata: {json.dumps(data)}\n\n".encode())
    request.wfile.write(b"0\r\n\r\n")
    return None


def ws(request, cut):
    """The events after `last_seq`, as unmasked text frames of RFC 6455."""
    accept = base64.b64encode(
        hashlib.sha1((request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    ).decode()
    request.wfile.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
    )

    def frame(opcode, data):
        length = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data))
        request.wfile.write(bytes([0x80 | opcode]) + length + data)

    for event in EVENTS[int(request.query.get("last_seq", 0)) :]:
        if cut(event):
            return CUT
        frame(0x1, json.dumps(event).encode())
    frame(0x8, struct.pack("!H", 1000))
    return CUT


TRANSPORTS = {
    "sse": (sse, f"/api/v1/jobs/{JOB}/events", lambda request: request.headers.get("last-event-id")),
    "ws": (ws, f"/ws/{JOB}", lambda request: request.query.get("last_seq")),
}


@pytest.mark.parametrize("follow", TRANSPORTS)
@pytest.mark.parametrize("point", [1, 2, 3, 4])
def test_a_stream_cut_at_any_point_is_resumed_without_loss_or_repetition(serve, pauses, follow, point):
    send, path, resumed_from = TRANSPORTS[follow]
    server = serve(lambda request: send(request, lambda event: len(server.requests) == 1 and event["seq"] == point))
    messages = list(client(server, pauses).watch(JOB, follow))
    assert [message["seq"] for message in messages] == [1, 2, 3, 4, 5]
    assert [request.path for request in server.requests] == [path, path]
    assert [resumed_from(request) for request in server.requests] == [None, str(point - 1) if point > 1 else None]
    assert len(pauses) == 1


@pytest.mark.parametrize("follow", TRANSPORTS)
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_stream_that_always_breaks_is_given_up(serve, pauses, follow, attempts):
    server = serve(lambda request: TRANSPORTS[follow][0](request, lambda event: True))
    with pytest.raises((OSError, websocket.WebSocketException)):
        list(client(server, pauses, attempts=attempts).watch(JOB, follow))
    assert (len(server.requests), len(pauses)) == (attempts, attempts - 1)


def test_an_event_stream_that_has_nothing_more_to_tell_ends(serve, pauses):
    def answer(request):
        return (204, {}, None) if request.path.endswith("/events") else (200, {}, {"job_id": JOB, "status": "completed"})

    server = serve(answer)
    assert [message["status"] for message in client(server, pauses).watch(JOB, "sse")] == ["completed"]
    assert pauses == []


def test_a_refused_websocket_says_why(serve, pauses):
    server = serve(lambda request: (401, {}, error("UNAUTHORIZED")))
    with pytest.raises(ApiError) as caught:
        list(client(server, pauses).watch(JOB, "ws"))
    assert (caught.value.status, caught.value.code) == (401, "UNAUTHORIZED")
    assert len(server.requests) == 1


@pytest.mark.parametrize("follow", ["poll", "longpoll"])
def test_polling_ends_with_the_job(serve, pauses, follow):
    def answer(request):
        number = min(len(server.requests), len(STATES)) - 1
        return 200, {}, {"job_id": JOB, "status": STATES[number], "progress": EVENTS[number]["progress"], "last_seq": number + 1}

    server = serve(answer)
    messages = list(client(server, pauses).watch(JOB, follow))
    assert [message["status"] for message in messages] == STATES
    preferences = [request.headers.get("prefer") for request in server.requests]
    assert preferences == ([None] * 4 if follow == "poll" else [None, "wait=30", "wait=30", "wait=30"])
    numbers = [request.query.get("last_seq") for request in server.requests]
    assert numbers == ([None] * 4 if follow == "poll" else [None, "1", "2", "3"])


def test_a_failed_job_is_raised_with_its_cause(serve, pauses):
    failed = {"job_id": JOB, "status": "failed", "error": {"code": "TIMEOUT", "message": "it took too long"}}
    server = serve(lambda request: (200, {}, failed))
    with pytest.raises(JobFailed, match="TIMEOUT: it took too long"):
        client(server, pauses).wait(JOB, "poll")
