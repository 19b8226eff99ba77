"""The same two routes in FastAPI, as its documentation writes them: `fastapi_peer.py BODY FOLDER`, one uvicorn process."""
import json
import os
import socket
import sys
import uuid
from pathlib import Path

import uvicorn
from fastapi import FastAPI, UploadFile

JOB = json.loads(Path(sys.argv[1]).read_text())
FOLDER = Path(sys.argv[2])
app = FastAPI()


@app.get("/api/v1/jobs/{job_id}")
async def get_job(job_id: str):
    return {**JOB, "job_id": job_id}


@app.post("/api/v1/jobs", status_code=201)
def create_job(file: UploadFile):
    job_id = str(uuid.uuid4())
    with open(FOLDER / job_id, "wb") as recording:
        while block := file.file.read(1 << 20):
            recording.write(block)
        recording.flush()
        os.fsync(recording.fileno())
    return {**JOB, "job_id": job_id}


listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(json.dumps({"event": "listening", "address": "127.0.0.1:{}".format(listener.getsockname()[1])}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[listener])
