// The page's client.js against a server that breaks connections at every point: no event is missed or seen twice.
//   node --test client.test.js
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const vm = require('node:vm');
const { WebSocket, WebSocketServer } = require('ws');

const source = fs.readFileSync(path.join(__dirname, '../../docs/examples/browser/client.js'), 'utf8');
// Timers fire immediately: the tests check the order of actions, not the length of pauses.
const context = vm.createContext({ WebSocket, URL, setTimeout: (run) => setImmediate(run) });
vm.runInContext(`${source}\nObject.assign(globalThis, { CallAnnotate, ApiError });`, context);

const JOB = '550e8400-e29b-41d4-a716-446655440000';
const EVENTS = [
  { type: 'status_update', status: 'queued' },
  { type: 'status_update', status: 'processing' },
  { type: 'status_update', status: 'processing' },
  { type: 'status_update', status: 'completed' },
  { type: 'result', status: 'completed' },
].map((event, index) => ({ ...event, job_id: JOB, seq: index + 1 }));

/** A server that sends the events after `last_seq`, and hands each connection to `cut` before the next one. */
async function withServer(cut, use) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'callannotate' });
  const requests = [];
  server.on('connection', (socket, request) => {
    requests.push({ url: request.url, protocols: request.headers['sec-websocket-protocol'] });
    const last = Number(new URL(request.url, 'http://server').searchParams.get('last_seq') || 0);
    for (const event of EVENTS.slice(last)) {
      if (cut(requests.length, event, socket)) return;
      socket.send(JSON.stringify(event));
    }
    socket.close(1000);
  });
  await new Promise((resolve) => { server.on('listening', resolve); });
  try {
    await use(`http://127.0.0.1:${server.address().port}`, requests);
  } finally {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => { server.close(resolve); });
  }
}

for (let point = 1; point <= EVENTS.length; point += 1) {
  for (const [name, end] of [['broken', (socket) => socket.terminate()], ['closed with 1012', (socket) => socket.close(1012)]]) {
    test(`a connection ${name} before message ${point} is taken up again`, { timeout: 10_000 }, async () => {
      const cut = (connection, event, socket) => {
        if (connection > 1 || event.seq !== point) return false;
        end(socket);
        return true;
      };
      await withServer(cut, async (address, requests) => {
        const seen = [];
        const client = new context.CallAnnotate(`${address}/`, '');
        await client.watch(JOB, (message) => seen.push(message.seq), new AbortController().signal);
        // After the state `completed` the result is fetched by REST, without waiting for the message again.
        const expected = point === EVENTS.length ? [1, 2, 3, 4] : [1, 2, 3, 4, 5];
        assert.deepEqual(seen, expected);
        assert.deepEqual(requests.map(({ url }) => url), point === EVENTS.length ? [`/ws/${JOB}`]
          : [`/ws/${JOB}`, `/ws/${JOB}${point === 1 ? '' : `?last_seq=${point - 1}`}`]);
      });
    });
  }
}

test('what comes again is not seen twice', { timeout: 10_000 }, async () => {
  const cut = (connection, event, socket) => {
    if (event.seq === 3 && connection === 1) {
      socket.send(JSON.stringify(EVENTS[0]));
      socket.send(JSON.stringify(EVENTS[1]));
    }
    return false;
  };
  await withServer(cut, async (address) => {
    const seen = [];
    await new context.CallAnnotate(address, '').watch(JOB, (message) => seen.push(message.seq), new AbortController().signal);
    assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  });
});

test('a deleted job ends the watch with an error', { timeout: 10_000 }, async () => {
  const cut = (connection, event, socket) => { socket.close(4404); return true; };
  await withServer(cut, async (address) => {
    const watch = new context.CallAnnotate(address, '').watch(JOB, () => {}, new AbortController().signal);
    await assert.rejects(watch, { code: 'JOB_NOT_FOUND' });
  });
});

test('a server that never answers is given up', { timeout: 10_000 }, async () => {
  const cut = (connection, event, socket) => { socket.terminate(); return true; };
  await withServer(cut, async (address, requests) => {
    const watch = new context.CallAnnotate(address, '').watch(JOB, () => {}, new AbortController().signal);
    await assert.rejects(watch, { message: 'The server cannot be reached from this page.' });
    assert.equal(requests.length, 10);
  });
});

test('a key goes with the subprotocols', { timeout: 10_000 }, async () => {
  await withServer(() => false, async (address, requests) => {
    await new context.CallAnnotate(address, 'ca_secret').watch(JOB, () => {}, new AbortController().signal);
    assert.equal(requests[0].protocols, 'callannotate,callannotate.key.ca_secret');
  });
});

test('what a proxy answers is an error as well', () => {
  const error = context.ApiError.parse(502, '<html>Bad Gateway</html>');
  assert.equal(error.message, 'The server answered 502.');
  assert.equal(context.ApiError.parse(200, 'null').message, 'The server answered 200.');
});
