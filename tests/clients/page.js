// Uses the browser page like a user, in a headless Chromium driven over its DevTools protocol, and prints the final content of the
// page as JSON.
//   node page.js CHROMIUM PAGE_URL SERVER_URL RECORDING [API_KEY]
// CALLANNOTATE_SCREENSHOT names a file for a final screenshot.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { spawn } = require('node:child_process');
const WebSocket = require('ws');

const [, , chromium, pageUrl, serverUrl, recording, apiKey = ''] = process.argv;
// Milliseconds until the page must show a result or an error.
const DEADLINE = 120_000;

/** Starts the browser; resolves to the address of its DevTools, which it prints. */
function launch(profile) {
  const browser = spawn(chromium, [
    // The sandbox needs namespaces that a container seldom has; only our own page is opened.
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--no-proxy-server',
    '--disable-background-networking', '--disable-component-update', '--remote-debugging-port=0',
    `--user-data-dir=${profile}`, '--window-size=900,1000', 'about:blank',
  ], { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, LANGUAGE: 'en' } });
  const address = new Promise((resolve, reject) => {
    const lines = readline.createInterface({ input: browser.stderr });
    lines.on('line', (line) => {
      const found = line.match(/DevTools listening on (ws:\S+)/);
      if (found) resolve(found[1]);
    });
    browser.on('error', reject);
    browser.on('exit', (code) => reject(new Error(`the browser ended with ${code}`)));
  });
  return { browser, address };
}

/** One DevTools connection: `send` asks, `once` waits for an event, `on` hears all of a kind. */
function devtools(socket) {
  let number = 0;
  const waiting = new Map();
  const listeners = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (message.id) {
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    } else {
      for (const { method, listener } of listeners) if (method === message.method) listener(message.params);
    }
  });
  const on = (method, listener) => listeners.push({ method, listener });
  return {
    on,
    once: (method) => new Promise((resolve) => { on(method, resolve); }),
    send: (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
      number += 1;
      waiting.set(number, { resolve, reject });
      socket.send(JSON.stringify({ id: number, method, params, sessionId }));
    }),
  };
}

/** Runs in the page before anything is sent: notes every state shown, and resolves when there is a result or an error. */
function observe() {
  window.shown = [];
  const note = () => {
    const now = `${document.getElementById('state').textContent}: ${document.getElementById('stage').textContent}`;
    if (window.shown.at(-1) !== now) window.shown.push(now);
  };
  new MutationObserver(note).observe(document.getElementById('work'), { subtree: true, childList: true, characterData: true });
  window.ended = new Promise((resolve) => {
    const look = () => {
      if (['result', 'error'].some((id) => !document.getElementById(id).hidden)) resolve();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, attributes: true });
  });
}

/** Runs in the page at the end: what a reader sees. */
function read() {
  const text = (id) => document.getElementById(id).textContent;
  const texts = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent);
  return {
    title: document.title,
    shown: window.shown,
    progress: document.getElementById('progress').value,
    job: text('job'),
    resultShown: !document.getElementById('result').hidden,
    errorShown: !document.getElementById('error').hidden,
    error: text('error-message'),
    summary: text('summary'),
    warnings: texts('#warnings li'),
    dialogue: [...document.querySelectorAll('#dialogue li')].map((line) => [...line.children].map((part) => part.textContent)),
    speakers: [...new Set(texts('#dialogue .who'))],
    images: document.images.length,
    canSend: !document.getElementById('send').disabled,
  };
}

async function main(profile, opened) {
  const { browser, address } = launch(profile);
  // Its child processes exit with it; only then does its folder stop changing.
  opened.push(() => new Promise((resolve) => { browser.once('close', resolve); browser.kill('SIGTERM'); }));
  const socket = new WebSocket(await address, { perMessageDeflate: false });
  opened.push(() => socket.terminate());
  await new Promise((resolve, reject) => { socket.on('open', resolve); socket.on('error', reject); });
  const tools = devtools(socket);
  const { targetId } = await tools.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await tools.send('Target.attachToTarget', { targetId, flatten: true });
  const send = (method, params) => tools.send(method, params, sessionId);
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description || exceptionDetails.text);
    return result.value;
  };
  const exceptions = [];
  tools.on('Runtime.exceptionThrown', ({ exceptionDetails }) => exceptions.push(exceptionDetails.exception?.description || exceptionDetails.text));
  await send('Page.enable');
  await send('Runtime.enable');
  const loaded = tools.once('Page.loadEventFired');
  await send('Page.navigate', { url: pageUrl });
  await loaded;
  const offered = await evaluate("document.getElementById('server').value");
  await evaluate(`(${observe})()`);
  await evaluate(`document.getElementById('server').value = ${JSON.stringify(serverUrl)};
    document.getElementById('key').value = ${JSON.stringify(apiKey)};`);
  const { root } = await send('DOM.getDocument');
  const { nodeId } = await send('DOM.querySelector', { nodeId: root.nodeId, selector: '#file' });
  await send('DOM.setFileInputFiles', { nodeId, files: [path.resolve(recording)] });
  await evaluate("document.getElementById('send').click()");
  await evaluate('window.ended');
  const page = { offered, exceptions, ...await evaluate(`(${read})()`) };
  if (process.env.CALLANNOTATE_SCREENSHOT) {
    const { data } = await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    fs.writeFileSync(process.env.CALLANNOTATE_SCREENSHOT, Buffer.from(data, 'base64'));
  }
  // The page's content after its job was deleted.
  if (page.resultShown) {
    await evaluate(`new Promise((resolve) => {
      new MutationObserver(() => resolve()).observe(document.getElementById('result'), { attributes: true });
      document.getElementById('stop').click();
    })`);
    page.afterDeletion = await evaluate("document.getElementById('state').textContent");
  }
  return page;
}

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'callannotate-page-'));
const opened = [];
const late = new Promise((_, reject) => {
  setTimeout(() => reject(new Error(`neither a result nor an error within ${DEADLINE / 1000} s`)), DEADLINE).unref();
});
Promise.race([main(profile, opened), late])
  .then((page) => console.log(JSON.stringify(page, null, 1)), (error) => { console.error(error); process.exitCode = 1; })
  .finally(async () => {
    for (const close of opened.reverse()) await close();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
