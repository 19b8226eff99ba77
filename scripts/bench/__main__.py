#!/usr/bin/env python3
"""Measures the figures of docs/benchmarks.md, and writes that page.

    python scripts/bench BINARY WHISPER_CLI HTTP_PEERS [--quick] [--only NAME ...]

Speeds are ratios to a peer or a bound measured in the same run, medians of several runs, because the machine they are
measured on is shared. --quick takes one run each and leaves out the 60 minutes; --only renews the named sections and keeps
the others unchanged.
"""
import argparse
import os
import resource
import tempfile
from pathlib import Path

import accuracy
import diarization
import durability
import estimates
import quality
import soak
import speed
import upload
import web
from measure import MODEL, ROOT, Bench, processor

PAGE = ROOT / "docs/benchmarks.md"
# The name for --only, the heading, and the function that measures it, in the order of the page.
SECTIONS = [
    ("accuracy", accuracy.TITLE, accuracy.section),
    ("diarization", diarization.TITLE, diarization.section),
    ("quality", quality.TITLE, quality.section),
    ("lengths", speed.LENGTHS_TITLE, speed.lengths_section),
    ("long", speed.LONG_TITLE, speed.long_section),
    ("whisper", speed.PEER_TITLE, speed.peer_section),
    ("estimates", estimates.TITLE, estimates.section),
    ("http", web.REQUESTS_TITLE, web.requests_section),
    ("subscribers", web.SUBSCRIBERS_TITLE, web.subscribers_section),
    ("upload", upload.TITLE, upload.section),
    ("accepted", durability.ACCEPT_TITLE, durability.accept_section),
    ("start", durability.START_TITLE, durability.start_section),
    ("kills", durability.KILLS_TITLE, durability.kills_section),
    ("cancel", durability.CANCEL_TITLE, durability.cancel_section),
    ("soak", soak.TITLE, soak.section),
]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("binary")
    arguments.add_argument("whisper_cli")
    arguments.add_argument("peers")
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--only", nargs="+", choices=[name for name, *_ in SECTIONS], default=[name for name, *_ in SECTIONS])
    arguments = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    runs = 1 if arguments.quick else 3
    known = sections_of(PAGE.read_text()) if PAGE.is_file() else {}
    with tempfile.TemporaryDirectory(dir=ROOT / "target") as work:
        (Path(work) / "volume").mkdir()
        programs = [os.path.abspath(program) for program in (arguments.binary, arguments.whisper_cli, arguments.peers)]
        bench = Bench(*programs, runs, work)
        for name, title, measure in SECTIONS:
            if name in arguments.only:
                known[title] = measure(bench, arguments.quick)
                print(f"## {title}\n\n{known[title]}\n", flush=True)
                # Written after each section: a later one may fail.
                write(known, runs)


def write(known, runs):
    text = f"""# Benchmarks

Written by `make bench` on {processor()}, shared with other work: ratios and CPU time are more reliable than wall time. Medians of
{runs} run(s). Whisper {MODEL.stem.removeprefix("ggml-").replace("-", " ")}, {os.cpu_count()} threads.
"""
    for _, title, _ in SECTIONS:
        if title in known:
            text += f"\n## {title}\n\n{known[title].strip()}\n"
    PAGE.write_text(text)


def sections_of(page):
    """The text under each heading, by heading."""
    parts = page.split("\n## ")[1:]
    return {title.strip(): text for title, _, text in (part.partition("\n") for part in parts)}


main()
