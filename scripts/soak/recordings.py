"""Recordings: a harmless one, and those that make a decoder allocate or compute more than they hold."""
import math
import struct

MIB = 1024 * 1024


def wav(seconds, rate=8000):
    samples = (int(3000 * math.sin(index * 0.345)) for index in range(int(seconds * rate)))
    data = b"".join(struct.pack("<h", sample) for sample in samples)
    return b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", len(data)) + data


def loud_floats(seconds=1, rate=8000):
    """Samples near the largest float."""
    data = struct.pack("<f", 3e38) * (seconds * rate)
    return b"RIFF" + struct.pack("<I4s4sIHHIIHH4sI", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, rate, rate * 4, 4, 32, b"data", len(data)) + data


def caf_packets(size):
    """A CAF file whose packet table is nearly the whole file."""
    head = b"caff" + struct.pack(">HH", 1, 0)
    description = struct.pack(">4sqd4sIIIII", b"desc", 32, 8000.0, b"alac", 0, 0, 0, 1, 0)
    table = struct.pack(">4sqqqii", b"pakt", 24 + size, size, size * 4096, 0, 0) + b"\x01" * size
    return head + description + table + struct.pack(">4sqI", b"data", 4 + 16, 0) + bytes(16)


def box(name, content):
    return struct.pack(">I4s", 8 + len(content), name) + content


def mp4_tags(size):
    """An MP4 file whose list of tags has millions of empty entries."""
    tags = box(b"meta", bytes(4) + box(b"ilst", box(b"\xa9nam", b"") * (size // 8)))
    return box(b"ftyp", b"M4A \0\0\0\0M4A ") + box(b"moov", box(b"udta", tags)) + box(b"mdat", bytes(64))


def mp4_twice(size):
    """An MP4 file with a second `moov`, larger than the first."""
    chunks = box(b"stco", struct.pack(">II", 0, size // 4) + bytes(size // 4 * 4))
    large = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", chunks)))))
    return box(b"ftyp", b"M4A \0\0\0\0M4A ") + box(b"moov", b"") + large + box(b"mdat", bytes(64))


def element(name, content):
    return bytes.fromhex(name) + struct.pack(">Q", (1 << 56) | len(content)) + content


def matroska_tags(size):
    """A Matroska file with millions of empty tags."""
    header = element("1a45dfa3", element("4282", b"matroska"))
    return header + element("18538067", element("1254c367", b"\x73\x73\x80" * (size // 3)))


def matroska_block(size):
    """A Matroska file with one block as large as the file."""
    header = element("1a45dfa3", element("4282", b"matroska"))
    track = element("ae", element("d7", b"\1") + element("83", b"\2") + element("86", b"A_PCM/INT/LIT") + element("e1", element("b5", struct.pack(">d", 8000.0))))
    return header + element("18538067", element("1654ae6b", track) + element("1f43b675", element("e7", b"\0") + element("a3", b"\x81\0\0\0" + bytes(size))))


def bombs():
    """The kinds of bombs, each with its bytes. Made once: making them takes longer than sending them."""
    return {
        "caf_packets": caf_packets(24 * MIB),
        "mp4_tags": mp4_tags(16 * MIB),
        "mp4_twice": mp4_twice(16 * MIB),
        "matroska_tags": matroska_tags(12 * MIB),
        "matroska_block": matroska_block(64 * MIB),
        "loud_floats": loud_floats(),
        "truncated": wav(1)[:1000],
        "no_recording": b"%PDF-1.7\n" * 1000,
    }
