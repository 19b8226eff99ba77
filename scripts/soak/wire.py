"""HTTP and WebSocket over asyncio, from a source address of the caller's choice, and able to break the rules of both."""
import asyncio
import base64
import json
import os
import struct

# How long an honest client waits for an answer.
PATIENCE = 60


class Refused(Exception):
    """An answer that was not expected."""


async def connect(server, source):
    host, port = server
    return await asyncio.wait_for(asyncio.open_connection(host, port, local_addr=(source, 0), limit=2**22), PATIENCE)


async def read_head(reader):
    """The status and the headers of an answer."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
    return int(head[0].split(" ")[1]), headers


async def body_parts(reader, headers):
    """The parts of a body as they arrive."""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await asyncio.wait_for(reader.readline(), PATIENCE), 16):
            yield await asyncio.wait_for(reader.readexactly(size), PATIENCE)
            await reader.readexactly(2)
        return
    left = int(headers.get("content-length", 0))
    while left:
        part = await asyncio.wait_for(reader.read(min(left, 2**18)), PATIENCE)
        if not part:
            raise Refused("the body was cut off")
        left -= len(part)
        yield part


async def request(server, source, method, path, headers=None, body=b""):
    """One request over its own connection: the status and the body."""
    reader, writer = await connect(server, source)
    try:
        lines = {"Host": f"{server[0]}:{server[1]}", "Connection": "close", **(headers or {})}
        if body or method == "POST":
            lines["Content-Length"] = len(body)
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
        await asyncio.wait_for(writer.drain(), PATIENCE)
        status, answered = await read_head(reader)
        return status, b"".join([part async for part in body_parts(reader, answered)])
    finally:
        writer.close()


def form(recording, **parts):
    """The headers and the body of a form with a recording and texts."""
    texts = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in parts.items())
    head = f'{texts}--b\r\nContent-Disposition: form-data; name="file"; filename="call.wav"\r\n\r\n'
    return {"Content-Type": "multipart/form-data; boundary=b"}, head.encode() + recording + b"\r\n--b--\r\n"


class WebSocket:
    """A WebSocket whose frames are masked with zeros, which is allowed and costs nothing."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, server, source, path="/ws", headers=None):
        reader, writer = await connect(server, source)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"{server[0]}:{server[1]}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": 13}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **(headers or {})}.items())
        writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        try:
            status, _ = await read_head(reader)
        except Exception:
            writer.close()
            raise
        if status != 101:
            writer.close()
            raise Refused(f"the upgrade was answered {status}")
        return cls(reader, writer)

    async def send(self, payload, opcode=None):
        if isinstance(payload, dict):
            payload = json.dumps(payload)
        opcode = opcode or (1 if isinstance(payload, str) else 2)
        payload = payload.encode() if isinstance(payload, str) else payload
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0xFE, size) if size < 65536 else struct.pack(">BQ", 0xFF, size)
        self.writer.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)
        await asyncio.wait_for(self.writer.drain(), PATIENCE)

    async def receive(self):
        """The next message."""
        while True:
            first, second = await asyncio.wait_for(self.reader.readexactly(2), PATIENCE)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            payload = await asyncio.wait_for(self.reader.readexactly(size), PATIENCE)
            if first & 0x0F == 9:
                await self.send(payload, 10)
            elif first & 0x0F == 8:
                raise Refused(f"closed with {int.from_bytes(payload[:2], 'big')}")
            elif first & 0x0F in (1, 2):
                return json.loads(payload)

    async def ask(self, command):
        await self.send(command)
        answer = await self.receive()
        if answer.get("type") == "error":
            raise Refused(answer["error"]["code"])
        return answer

    def close(self):
        self.writer.close()
