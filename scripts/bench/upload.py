"""Throughput of an upload of the largest allowed recording."""
import http.client
import json
import os
import sys
import time

from measure import MIB, median, memory_of, table

TITLE = "Upload of 1 GiB"


def section(bench, quick):
    del quick
    return f"""One connection on loopback; the bound is writing and flushing the same bytes to the same disk. The recording is refused after it was
received and examined, so that nothing else uses memory.

{table(["throughput", "disk", "ratio", "memory growth"], upload(bench))}"""


def upload(bench):
    size = 1024 * MIB - 4096
    with bench.serve("upload", CALLANNOTATE__FILES__MAX_DURATION_SECONDS="60") as server:
        before = memory_of(server.pid, "VmRSS")
        times, disk = [], []
        for _ in range(bench.runs):
            times.append(send(server.address, size))
            disk.append(write(bench.work / "disk", size))
        growth = memory_of(server.pid, "VmHWM") - before
    ours, bound = median(times), median(disk)
    return [[f"{size / MIB / ours:.0f} MiB/s", f"{size / MIB / bound:.0f} MiB/s", f"{bound / ours:.2f}", f"{growth / MIB:.0f} MiB"]]


def write(path, size):
    """Seconds to write and flush the same number of bytes to the same disk."""
    block = bytes(MIB)
    began = time.monotonic()
    with open(path, "wb") as file:
        for _ in range(size // MIB):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    took = time.monotonic() - began
    path.unlink()
    return took


def wave_header(size):
    """The WAV header of a recording of `size` bytes, 8 kHz mono, 16 bits."""
    header = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + bytes.fromhex("10000000 0100 0100 401f0000 803e0000 0200 1000")
    return header + b"data" + (size - 44).to_bytes(4, "little")


def send(address, size):
    """Seconds to send a recording that is far longer than allowed: the server receives all of it, examines it, and refuses it."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    header, tail = wave_header(size), b"\r\n--b--\r\n"

    def body():
        yield head + header
        block, left = bytes(MIB), size - len(header)
        while left > 0:
            yield block[:left]
            left -= MIB
        yield tail

    connection = http.client.HTTPConnection(address, timeout=600)
    began = time.monotonic()
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(len(head) + size + len(tail))}
    connection.request("POST", "/api/v1/jobs", body(), headers)
    answer = connection.getresponse()
    code = json.load(answer)["error"]["code"]
    took = time.monotonic() - began
    if code != "AUDIO_TOO_LONG":
        sys.exit(f"the upload was answered {code}")
    return took
