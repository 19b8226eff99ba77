"""Hostile and honest load at once (scripts/soak), as a section of the page."""
import json
import subprocess
import sys
from pathlib import Path

from measure import MIB, table

TITLE = "Under attack"
SOAK = Path(__file__).resolve().parent.parent / "soak"


def section(bench, quick):
    seconds = 60 if quick else 1800
    report = bench.work / "soak.json"
    ended = subprocess.run([sys.executable, str(SOAK), bench.binary, "--seconds", str(seconds), "--report", str(report)], stdout=subprocess.DEVNULL, timeout=seconds + 600)
    figures = json.loads(report.read_text())
    honest, health, memory = figures["honest"], figures["health"], figures["memory"]
    requests = sum(client["requests"] for client in honest.values())
    failures = sum(len(client["failures"]) for client in honest.values())
    rows = [
        ["requests of honest clients", f"{requests}", ""],
        ["of these failed", f"{failures}", "0"],
        ["recordings of honest clients that were annotated", f"{sum(client['jobs'] for client in honest.values())}", ""],
        ["requests for `/health`, each over a new connection", f"{health['requests']}", ""],
        ["of these failed", f"{len(health['failures'])}", "0"],
        ["p50 of `/health`", f"{health['p50_ms']:.1f} ms", ""],
        ["p99", f"{health['p99_ms']:.1f} ms", "100 ms"],
        ["worst", f"{health['max_ms']:.0f} ms", ""],
        ["memory when idle", f"{memory['idle'] / MIB:.0f} MiB", ""],
        [f"in the second {minutes(seconds / 6)}, median", f"{memory['early'] / MIB:.0f} MiB", ""],
        [f"in the last {minutes(seconds / 6)}, median", f"{memory['late'] / MIB:.0f} MiB", f"{(memory['early'] * 1.1) / MIB + 16:.0f} MiB"],
        ["peak", f"{memory['peak'] / MIB:.0f} MiB", ""],
    ]
    attacks = [[kind, f"{count}"] for kind, count in sorted(figures["hostile"].items())]
    verdict = "All bounds were kept." if ended.returncode == 0 else f"Not kept: {'; '.join(figures['complaints'])}."
    return f"""{minutes(seconds).capitalize()} of hostile and honest load at once against a server with its default settings (`scripts/soak`). Attackers and honest clients come from
different addresses of the loopback network, from the same machine, where the attackers' processes have a lower priority. The honest
clients send recordings by REST, over WebSockets and into `incoming/`, follow them by long polls and events, fetch results and recordings,
and read lists. {verdict}

{table(["measure", "result", "target"], rows)}

{table(["attack", "times"], attacks)}"""


def minutes(seconds):
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} s"
