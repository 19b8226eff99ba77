"""Accuracy of the estimate that a client reads when its job starts."""
import json
import time
from datetime import datetime

from measure import CALLS, SHARED, median, table

TITLE = "Estimates"
# Jobs before the first one that is measured.
WARM_UP = 4


def section(bench, quick):
    errors, first = measure(bench, quick)
    rows = [
        ["jobs", str(len(errors)), ""],
        ["median error", f"{median(errors) * 100:.0f} %", "25 %"],
        ["p90", f"{quantile(errors, 0.9) * 100:.0f} %", ""],
        ["worst", f"{max(errors) * 100:.0f} %", ""],
        ["the very first job, without earlier measurements", f"{first * 100:.0f} %", ""],
    ]
    return f"""Recordings of different lengths and channel counts, one after the other on one server, after {WARM_UP} jobs of warm-up. The error is
|estimated − actual| / actual of the job's total time, for the first `estimated_completion` that a client reads of the running job.

{table(["measure", "result", "target"], rows)}"""


def recordings():
    """A fixed mixture: the sample calls, and the shared recordings if they are there."""
    found = sorted(CALLS.glob("*.flac"))
    others = SHARED / "audio/calls"
    for pattern in ("*/*.flac", "*/*.wav", "*/*.mp3"):
        found += sorted(others.glob(pattern))
    return found


def measure(bench, quick):
    found = recordings()
    # Every third, three times over: neighbours differ in kind and length, and the order is the same each time.
    mixed = [recording for start in range(3) for recording in found[start::3]]
    warm_up = [mixed[index % len(mixed)] for index in range(WARM_UP)]
    measured = mixed if quick else mixed + list(reversed(mixed))
    errors = []
    with bench.serve("estimates") as server:
        for recording in warm_up + measured:
            errors.append(error(server, recording))
    return errors[WARM_UP:], errors[0]


def error(server, recording):
    created = server.post(recording.read_bytes(), recording.name)
    job_id, estimate = created["job_id"], None
    while True:
        job = json.loads(server.get(f"/api/v1/jobs/{job_id}"))
        if estimate is None and job["status"] == "processing":
            estimate = moment(job["estimated_completion"])
        if job["status"] not in ("queued", "processing"):
            break
        time.sleep(0.005 if estimate is None else 0.05)
    start, end = moment(job["started_at"]), moment(job["completed_at"])
    # The job ended before it was seen running: the answer to its creation had the same estimate as a duration.
    estimated = created["estimated_duration"] if estimate is None else estimate - start
    return abs(estimated - (end - start)) / max(end - start, 0.001)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
