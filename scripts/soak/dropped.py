"""Attacks by someone who may write to the folders of the volume, but is not the server."""
import json
import os
import random
import time
import uuid
from collections import Counter
from pathlib import Path

from recordings import MIB, bombs, caf_packets

# How many things of one kind lie there at once.
AT_ONCE = 3


def fifo(folder, name):
    os.mkfifo(folder / f"{name}.wav")


def links(folder, name):
    os.symlink(random.choice(["/etc/passwd", "/dev/zero", "/dev/random", "../keys.json", name]), folder / f"{name}.wav")


def fifo_instead_of_a_file(folder, name):
    """Replaces a file that seems to have settled."""
    path = folder / f"{name}.wav"
    path.write_bytes(b"RIFF" * 100)
    os.utime(path, (time.time() - 100, time.time() - 100))
    os.mkfifo(folder / f".{name}")
    os.replace(folder / f".{name}", path)


def fake_job(folder, name):
    """A job as the server writes it, whose recording is a link, or whose format leads out of the folder."""
    del name
    job = str(uuid.uuid4())
    place = folder / job
    place.mkdir()
    record = {
        "job_id": job, "status": "queued", "format": random.choice(["wav", "x/../../../../etc/passwd"]),
        "filename": "call.wav", "file": {"filename": "call.wav", "format": "x/../../../../etc/passwd"}, "padding": "x" * random.choice([0, MIB]),
    }
    if random.random() < 0.3:
        os.mkfifo(place / "job.json")
    else:
        (place / "job.json").write_text(json.dumps(record))
    os.symlink("/etc/passwd", place / "recording.wav")


def odd_sidecar(folder, name):
    (folder / f"{name}.json").write_text(random.choice(["[" * 100_000, '{"options": {"x": 1}}', "\0" * 1000, '{"priority": 1e999}']))
    (folder / f"{name}.wav").write_bytes(b"no recording")


def many_folders(folder, name):
    deep = folder / name
    for _ in range(20):
        deep = deep / "d"
    deep.mkdir(parents=True)


def odd_names(folder, name):
    (folder / os.fsdecode(b"\xff\xfe" + name.encode() + b"\n.wav")).write_bytes(b"x")


KINDS = {
    "FIFOs": fifo,
    "links to files, devices and themselves": links,
    "a FIFO in place of a settled file": fifo_instead_of_a_file,
    "made-up job folders": fake_job,
    "odd sidecars": odd_sidecar,
    "deep folders": many_folders,
    "odd names": odd_names,
}


def run(volume, until):
    os.nice(10)
    incoming, counts, lying = Path(volume) / "incoming", Counter(), {}
    recordings = bombs()
    recordings["caf_packets"] = caf_packets(8 * MIB)
    turn = 0
    while time.time() < until:
        turn += 1
        for number, (kind, act) in enumerate(KINDS.items()):
            try:
                before = set(incoming.iterdir())
                # Names of their own: to write into a FIFO would wait for a reader.
                act(incoming, f"dropped-{turn}-{number}")
                counts[f"dropped: {kind}"] += 1
                lying.setdefault(kind, []).extend(set(incoming.iterdir()) - before)
            except OSError:
                # The server was faster.
                pass
            while len(lying.get(kind, [])) > AT_ONCE:
                remove(lying[kind].pop(0))
        if turn % 5 == 0:
            name, recording = random.choice(list(recordings.items()))
            (incoming / f"bomb-{turn}.wav").write_bytes(recording)
            counts[f"dropped: recording: {name.replace('_', ' ')}"] += 1
        time.sleep(2)
    return dict(counts)


def remove(path):
    """Removes what was laid there, if it still lies there."""
    try:
        if path.is_dir() and not path.is_symlink():
            for inner in sorted(path.rglob("*"), key=lambda found: len(found.parts), reverse=True):
                inner.rmdir() if inner.is_dir() and not inner.is_symlink() else inner.unlink()
            path.rmdir()
        else:
            path.unlink()
    except OSError:
        pass
