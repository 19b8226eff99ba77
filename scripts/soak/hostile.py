"""The hostile clients: each kind of attack from an address of its own, over and over."""
import asyncio
import collections
import itertools
import json
import os
import random
import resource
import time

from recordings import bombs, wav
from wire import WebSocket, connect, form, request

GIB = 1024**3
# A body whose options are unknown, within the limit of a part.
OPTIONS = json.dumps({f"o{number}": 1 for number in range(6000)})
# The same as a message, within the limit of messages.
MESSAGE = json.dumps({"type": "upload_start", "size": 1000, "options": {f"o{number:06}": 1 for number in range(65_000)}})


class Attacks:
    """What all attacks share: the server, the time, and how often each was carried out."""

    def __init__(self, server, until):
        self.server, self.until, self.counts = server, until, collections.Counter()
        self.addresses = (f"127.0.1.{last}" for last in itertools.count(1))

    async def keep(self, name, act, at_once=1, pause=0.1):
        """Carries an attack out again and again, so many at once, from one address."""
        source = next(self.addresses)

        async def one():
            while time.time() < self.until:
                self.counts[name] += 1
                try:
                    await asyncio.wait_for(act(source), 120)
                except Exception:
                    # Refused, cut off, or too slow: what attacks deserve.
                    await asyncio.sleep(pause)
                await asyncio.sleep(pause)

        await asyncio.gather(*(one() for _ in range(at_once)))

    def left(self, seconds):
        return max(0, min(seconds, self.until - time.time()))

    async def unknown_options_by_message(self, source):
        socket = await WebSocket.open(self.server, source)
        for _ in range(5):
            await socket.send(MESSAGE)
            await socket.receive()
        socket.close()

    async def unknown_options_by_form(self, source):
        headers, body = form(wav(0.1), options=OPTIONS)
        await request(self.server, source, "POST", "/api/v1/jobs", headers, body)

    def bomb(self, recording):
        async def send(source):
            headers, body = form(recording)
            await request(self.server, source, "POST", "/api/v1/jobs", headers, body)

        return send

    async def announced_uploads(self, source):
        socket = await WebSocket.open(self.server, source)
        await socket.send({"type": "upload_start", "size": GIB})
        await socket.receive()
        while time.time() < self.until:
            await socket.send(b"R")
            await asyncio.sleep(self.left(20))
            await asyncio.wait_for(socket.receive(), 0.001 + self.left(0.1))

    async def silent_announcements(self, source):
        socket = await WebSocket.open(self.server, source)
        await socket.send({"type": "upload_start", "size": GIB})
        await asyncio.sleep(self.left(100))
        socket.close()

    async def idle_sockets(self, source):
        socket = await WebSocket.open(self.server, source)
        await asyncio.sleep(self.left(90))
        socket.close()

    async def silent_connections(self, source):
        _, writer = await connect(self.server, source)
        await asyncio.sleep(self.left(30))
        writer.close()

    async def slow_heads(self, source):
        _, writer = await connect(self.server, source)
        for byte in itertools.cycle(b"GET / HTTP/1.1\r\nX: "):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(1)
            if time.time() > self.until:
                return

    async def slow_bodies(self, source):
        _, writer = await connect(self.server, source)
        writer.write(b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000000\r\n\r\n")
        writer.write(b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n')
        while time.time() < self.until:
            writer.write(b"R" * 900)
            await writer.drain()
            await asyncio.sleep(1)

    async def endless_headers(self, source):
        reader, writer = await connect(self.server, source)
        writer.write(b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 500000000\r\n\r\n")
        writer.write(random.choice([b"--b\r\nX-Endless: ", b"no boundary "]))
        for _ in range(80):
            writer.write(b"x" * 65536)
            await writer.drain()
            await asyncio.sleep(0.05)
        await asyncio.wait_for(reader.read(100), 5)
        writer.close()

    async def unread_answers(self, source):
        _, writer = await connect(self.server, source)
        path = random.choice(["/api/v1/openapi.json", "/docs", "/api/v1/jobs?limit=100"])
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 100)
        await asyncio.sleep(self.left(60))
        writer.close()

    async def unread_messages(self, source):
        socket = await WebSocket.open(self.server, source)
        for _ in range(400):
            await socket.send({"type": random.choice(["list_jobs", "get_info", "get_health"]), "limit": 100})
        await asyncio.sleep(self.left(30))
        socket.close()

    async def odd_hosts(self, source):
        host = random.choice(["", "Host: a\r\nHost: b\r\n", "Host: evil.example.com\r\nOrigin: http://evil.example.com\r\n", "Host: \x01\r\n"])
        reader, writer = await connect(self.server, source)
        writer.write(f"{random.choice(['GET', 'POST'])} /api/v1/jobs HTTP/1.1\r\n{host}\r\n".encode())
        await asyncio.wait_for(reader.read(1000), 5)
        writer.close()

    async def garbage(self, source):
        reader, writer = await connect(self.server, source)
        writer.write(random.choice([
            os.urandom(2000),
            b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
            b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /info HTTP/1.1\r\n\r\n",
            b"GET /api/v1/jobs?limit=-1&status=x&cursor=%00&sort=%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ]))
        await asyncio.wait_for(reader.read(1000), 5)
        writer.close()

    async def flood_of_messages(self, source):
        socket = await WebSocket.open(self.server, source)
        for _ in range(2000):
            await socket.send(random.choice(["{", "null", '{"type":"fly"}', '{"type":"ping"}', b"x"]))
        socket.close()

    async def flood_of_requests(self, source):
        reader, writer = await connect(self.server, source)
        writer.write(b"GET /api/v1/jobs?limit=100 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        while len(await asyncio.wait_for(reader.read(2**20), 5)) > 0:
            pass
        writer.close()

    async def flood_of_recordings(self, source):
        headers, body = form(wav(0.2))
        await request(self.server, source, "POST", "/api/v1/jobs", headers, body)


async def attack(server, until):
    attacks = Attacks(server, until)
    kept = [
        attacks.keep("unknown options in a message", attacks.unknown_options_by_message, at_once=4, pause=0.5),
        attacks.keep("unknown options in a form", attacks.unknown_options_by_form, at_once=2, pause=0.3),
        attacks.keep("announced uploads of 1 GiB, a byte every 20 s", attacks.announced_uploads, at_once=100, pause=1),
        attacks.keep("announced uploads without a byte", attacks.silent_announcements, at_once=500, pause=1),
        attacks.keep("idle WebSockets", attacks.idle_sockets, at_once=1100, pause=1),
        attacks.keep("idle WebSockets, another address", attacks.idle_sockets, at_once=1100, pause=1),
        attacks.keep("silent connections", attacks.silent_connections, at_once=500, pause=1),
        attacks.keep("slow heads", attacks.slow_heads, at_once=50),
        attacks.keep("slow bodies", attacks.slow_bodies, at_once=50, pause=1),
        attacks.keep("endless headers and preambles of forms", attacks.endless_headers, at_once=20, pause=0.5),
        attacks.keep("answers that are not read", attacks.unread_answers, at_once=50, pause=0.5),
        attacks.keep("messages that are not read", attacks.unread_messages, at_once=50, pause=0.5),
        attacks.keep("missing, double, foreign and malformed Host", attacks.odd_hosts, at_once=2),
        attacks.keep("malformed and smuggled requests", attacks.garbage, at_once=2),
        attacks.keep("floods of messages", attacks.flood_of_messages, at_once=2, pause=1),
        attacks.keep("floods of requests", attacks.flood_of_requests, at_once=2, pause=1),
        attacks.keep("tiny recordings", attacks.flood_of_recordings, pause=2),
    ]
    for name, recording in bombs().items():
        kept.append(attacks.keep(f"recording: {name.replace('_', ' ')}", attacks.bomb(recording), pause=5))
    # An attack that waits for something is not waited for.
    await asyncio.wait([asyncio.ensure_future(one) for one in kept], timeout=until + 2 - time.time())
    return attacks.counts


def run(server, until):
    # Of the machine's time the attackers take what the others leave: elsewhere they would have machines of their own.
    os.nice(10)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # Not `asyncio.run`, which waits for every task: what is open ends with the process.
    return dict(asyncio.new_event_loop().run_until_complete(attack(server, until)))
