"""A server that answers each request by a function, or breaks the connection."""
import json
import socketserver
from urllib.parse import parse_qs, urlsplit

CUT = object()


class Server(socketserver.ThreadingTCPServer):
    """Passes each request to `answer(request)`; a request has method, path, query, headers, body and the open connection."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.requests = answer, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split()
        self.headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.method, self.path = method, urlsplit(target).path
        self.query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append(self)
        answer = self.server.answer(self)
        if answer is CUT or answer is None:
            return
        status, headers, body = answer
        text = b"" if body is None else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(text)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + text)
