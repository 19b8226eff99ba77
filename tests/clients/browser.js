// Runs the specification's browser class in Node: provides a WebSocket and the method that the page must implement
// (`attemptReconnect`), then follows a job to its end.
//   node browser.js CLIENT.JS JOB_ID
const fs = require('node:fs');
const vm = require('node:vm');
const WebSocket = require('ws');

const [, , clientPath, jobId] = process.argv;
const context = vm.createContext({ WebSocket, console, setInterval, clearInterval });
vm.runInContext(`${fs.readFileSync(clientPath, 'utf8')}\nthis.CallAnnotateClient = CallAnnotateClient;`, context);

const progress = [];
const timeout = setTimeout(() => { console.error('no result within 120 s'); process.exit(1); }, 120_000);

class Page extends context.CallAnnotateClient {
  onProgress(state) { progress.push(state.percentage); super.onProgress(state); }
  onComplete(result) {
    if (!Array.isArray(result.speakers) || typeof result.metadata.total_duration !== 'number') {
      console.error('the result lacks speakers or metadata');
      process.exit(1);
    }
    super.onComplete(result);
    this.done = true;
  }
  onError(error) { super.onError(error); process.exit(1); }
  stopHeartbeat() { clearInterval(this.heartbeatInterval); }
  attemptReconnect() {
    clearTimeout(timeout);
    const rising = progress.every((value, index) => index === 0 || progress[index - 1] <= value);
    if (!this.done || !rising || progress.at(-1) !== 100) {
      console.error(`closed before the end: done=${this.done} progress=${progress}`);
      process.exit(1);
    }
    console.log('browser client: ok');
  }
}
new Page(jobId).connect();
