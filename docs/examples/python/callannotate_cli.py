"""The command line of the Python client: `python3 callannotate_client.py --help`.

Exit codes: 0 done, 1 the server refused or cannot be reached, 2 wrong usage, 3 the job ended without a result.
"""
import argparse
import json
import os
import sys
from urllib.parse import urlsplit

import requests
import websocket

from callannotate_client import FINISHED, ApiError, CallAnnotate, JobFailed


def clock(seconds):
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02d}:{rest:04.1f}"


def dialogue(body):
    """The result as lines of text."""
    names = {}
    for speaker in body["result"]["speakers"]:
        known = speaker.get("identified_as")
        names[speaker["speaker_id"]] = known if known and known != "unknown" else speaker.get("role") or speaker["speaker_id"]
    for segment in body["result"]["segments"]:
        speaker = names.get(segment["speaker_id"], segment["speaker_id"])
        yield f"[{clock(segment['start_time'])} - {clock(segment['end_time'])}] {speaker}: {segment['text']}"
    for warning in body["result"]["metadata"].get("warnings", []):
        yield f"note: {warning}"


def progress_line(message):
    progress = message.get("progress") or {}
    return f"{message['status']} {progress.get('percentage', 0):3d} % {progress.get('current_stage') or ''}".rstrip()


def job_line(job):
    return f"{job['job_id']}  {job['status']:<10}  {job['created_at']}  {job['file_info']['filename']}"


def explain(error):
    """An ApiError for people, on standard error."""
    print(f"error: {error}", file=sys.stderr)
    for check in error.details.get("checks_failed", []):
        print(f"  {check['field']}: {check['message']}", file=sys.stderr)
    if error.developer_message:
        print(f"  {error.developer_message}", file=sys.stderr)
    if error.request_id:
        print(f"  request {error.request_id}", file=sys.stderr)


def arguments():
    parser = argparse.ArgumentParser(description="Sends recordings to CallAnnotate and fetches what it found in them.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", default=os.environ.get("CALLANNOTATE_URL", "http://localhost:8000"), help="also CALLANNOTATE_URL")
    common.add_argument("--api-key", default=os.environ.get("CALLANNOTATE_API_KEY"), help="better given as CALLANNOTATE_API_KEY")
    common.add_argument("--format", choices=("text", "json"), default="text")
    follow = {"choices": ("poll", "longpoll", "sse", "ws"), "help": "how to follow the job (default: ws)"}
    commands = parser.add_subparsers(dest="command", required=True)
    submit = commands.add_parser("submit", parents=[common], help="send a recording")
    submit.add_argument("file")
    submit.add_argument("--language", help="auto, or a code such as ru or en")
    submit.add_argument("--speakers", type=int, help="how many people speak, where that is known")
    submit.add_argument("--description")
    submit.add_argument("--idempotency-key", help="the same key with the same recording never makes a second job")
    submit.add_argument("--wait", action="store_true", help="wait for the result and print it")
    submit.add_argument("--follow", **follow)
    listed = commands.add_parser("list", parents=[common], help="list the jobs, newest first")
    listed.add_argument("--status", action="append", choices=("queued", "processing") + FINISHED)
    for name, what in (
        ("status", "how far a job is"),
        ("result", "what was found"),
        ("cancel", "stop a job"),
        ("retry", "queue a failed or cancelled job again"),
        ("delete", "remove a job with its recording and result"),
        ("watch", "follow a job to its end"),
    ):
        command = commands.add_parser(name, parents=[common], help=what)
        command.add_argument("job_id")
        if name == "watch":
            command.add_argument("--follow", **follow)
    return parser.parse_args()


def run(client, given):
    as_json = given.format == "json"

    def show(body, lines):
        print(json.dumps(body, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))

    if given.command == "submit":
        options = {
            **({"language": given.language} if given.language else {}),
            **({"speakers": {"count": given.speakers}} if given.speakers else {}),
        }
        metadata = {"description": given.description} if given.description else None
        job = client.submit(given.file, metadata, options, given.idempotency_key)
        if given.wait or given.follow:
            print(f"job {job['job_id']}", file=sys.stderr)
            result = client.wait(
                job["job_id"], given.follow or "ws", lambda message: print(progress_line(message), file=sys.stderr)
            )
            show(result, dialogue(result))
        else:
            show(job, [job["job_id"]])
    elif given.command == "list":
        for job in client.jobs(**({"status": given.status} if given.status else {})):
            print(json.dumps(job, ensure_ascii=False) if as_json else job_line(job))
    elif given.command == "result":
        result = client.result(given.job_id)
        show(result, dialogue(result))
    elif given.command == "watch":
        for message in client.watch(given.job_id, given.follow or "ws"):
            if as_json:
                print(json.dumps(message, ensure_ascii=False), flush=True)
            elif message["type"] == "status_update":
                print(progress_line(message), flush=True)
        job = client.status(given.job_id)
        if job["status"] not in ("completed", "archived"):
            raise JobFailed(job)
    elif given.command == "delete":
        client.delete(given.job_id)
    else:
        job = {"status": client.status, "cancel": client.cancel, "retry": client.retry}[given.command](given.job_id)
        show(job, [job_line(job), progress_line(job)])


def main():
    given = arguments()
    if urlsplit(given.url).scheme not in ("http", "https"):
        print(f"error: {given.url} is not an http:// or https:// address", file=sys.stderr)
        return 2
    try:
        run(CallAnnotate(given.url, given.api_key), given)
    except ApiError as error:
        explain(error)
        return 1
    except JobFailed as error:
        print(f"error: the job ended without a result: {error}", file=sys.stderr)
        return 3
    except (requests.RequestException, websocket.WebSocketException, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0
