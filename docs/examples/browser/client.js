// The server as a page sees it: submit with progress, follow over WebSocket, fetch, delete. No library, no build step.
'use strict';

/** An error answered by the server: its error envelope, or whatever came in place of one. */
class ApiError extends Error {
  constructor(status, error) {
    super(error.message || 'The server gave no reason.');
    this.status = status;
    this.code = error.code;
    this.details = error.details || {};
    this.requestId = error.request_id;
  }

  static parse(status, text) {
    try {
      return new ApiError(status, JSON.parse(text).error);
    } catch {
      return new ApiError(status, { message: status ? `The server answered ${status}.` : 'The server cannot be reached from this page.' });
    }
  }
}

class CallAnnotate {
  // Milliseconds: the first pause before reconnecting (it doubles), and the longest.
  static FIRST_PAUSE = 500;
  static LONGEST_PAUSE = 15_000;
  // Consecutive failed connections after which watching is given up.
  static ATTEMPTS = 10;
  // Job statuses after which no more events come.
  static FINISHED = ['completed', 'failed', 'cancelled', 'archived'];

  constructor(address, key) {
    this.address = address.replace(/\/+$/, '');
    this.key = key;
  }

  get headers() {
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }

  /** Submits a recording; calls `onProgress` with the share sent, 0 to 1. XMLHttpRequest, because fetch does not report upload progress. */
  submit(file, options, onProgress) {
    const form = new FormData();
    // The small part first: a mistake in it is found before the recording is sent.
    form.append('options', JSON.stringify(options));
    form.append('file', file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', `${this.address}/api/v1/jobs`);
      for (const [name, value] of Object.entries(this.headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); };
      request.onload = () => {
        if (request.status === 201) resolve(JSON.parse(request.responseText));
        else reject(ApiError.parse(request.status, request.responseText));
      };
      request.onerror = () => reject(ApiError.parse(0, ''));
      request.send(form);
    });
  }

  async call(method, path) {
    let response;
    try {
      response = await fetch(`${this.address}/api/v1${path}`, { method, headers: this.headers });
    } catch {
      throw ApiError.parse(0, '');
    }
    const text = await response.text();
    if (!response.ok) throw ApiError.parse(response.status, text);
    return text ? JSON.parse(text) : null;
  }

  result(id) { return this.call('GET', `/jobs/${encodeURIComponent(id)}/result`); }

  delete(id) { return this.call('DELETE', `/jobs/${encodeURIComponent(id)}`); }

  /**
   * Follows a job: `onMessage` gets each message once, in order. Resolves when the job has ended; a broken connection is
   * resumed from the last number seen, until `signal` is aborted or it fails ten times in a row.
   */
  async watch(id, onMessage, signal) {
    let last = null;
    let finished = false;
    let failures = 0;
    while (!finished && !signal.aborted) {
      const query = last === null ? '' : `?last_seq=${last}`;
      const code = await this.connection(`/ws/${encodeURIComponent(id)}${query}`, signal, (message) => {
        if (message.seq !== undefined) {
          if (last !== null && message.seq <= last) return;
          last = message.seq;
        }
        failures = 0;
        finished ||= CallAnnotate.FINISHED.includes(message.status) || (message.type === 'error' && message.job_id !== undefined);
        onMessage(message);
      });
      if (code === 4404) throw new ApiError(404, { code: 'JOB_NOT_FOUND', message: 'There is no such job any more.' });
      if (finished || signal.aborted) return;
      failures += 1;
      if (failures === CallAnnotate.ATTEMPTS) throw ApiError.parse(0, '');
      const pause = Math.min(CallAnnotate.FIRST_PAUSE * 2 ** (failures - 1), CallAnnotate.LONGEST_PAUSE);
      await new Promise((resolve) => { setTimeout(resolve, pause); });
    }
  }

  /** One connection from its beginning to its close code. */
  connection(path, signal, onMessage) {
    return new Promise((resolve) => {
      // A page cannot set headers on a WebSocket, so the key is sent as a subprotocol.
      const protocols = this.key ? ['callannotate', `callannotate.key.${this.key}`] : [];
      const socket = new WebSocket(this.address.replace(/^http/, 'ws') + path, protocols);
      const abort = () => socket.close();
      signal.addEventListener('abort', abort);
      socket.onmessage = (event) => onMessage(JSON.parse(event.data));
      socket.onclose = (event) => {
        signal.removeEventListener('abort', abort);
        resolve(event.code);
      };
    });
  }
}
