// The page around client.js. Whatever comes from the server is set as text, never as markup.
'use strict';

const $ = (id) => document.getElementById(id);

/** The job on the page: its server, its id, and the end of watching it. */
let current = null;

function show(id, shown = true) { $(id).hidden = !shown; }

function element(tag, text, properties = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  return Object.assign(made, properties);
}

function clock(seconds) {
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

function tell(state, stage, percentage) {
  $('state').textContent = state;
  $('stage').textContent = stage;
  $('progress').value = percentage;
}

function fail(error) {
  $('error-message').textContent = `${error.message}${error.code ? ` (${error.code})` : ''}`;
  const checks = (error.details && error.details.checks_failed) || [];
  $('error-checks').replaceChildren(...checks.map((check) => element('li', `${check.field}: ${check.message}`)));
  $('error-more').textContent = error.requestId ? `Request ${error.requestId}` : '';
  show('error');
}

function onMessage(message) {
  if (message.type === 'status_update') {
    const { percentage = 0, current_stage: stage } = message.progress || {};
    tell(message.status, stage ? `${stage}, ${percentage} %` : '', percentage);
  } else if (message.type === 'error') {
    const stage = message.error.stage ? ` at ${message.error.stage}` : '';
    fail({ message: `The job failed${stage}: ${message.error.message}`, code: message.error.code });
  }
}

function showResult({ processing_time: seconds, result }) {
  const { metadata, segments, speakers } = result;
  const names = new Map();
  speakers.forEach((speaker, index) => {
    const known = speaker.identified_as && speaker.identified_as !== 'unknown' ? speaker.identified_as : null;
    // Hues far apart for neighbours: steps of the golden angle, in degrees.
    names.set(speaker.speaker_id, { name: known || speaker.role || speaker.speaker_id, hue: Math.round(210 + index * 137.5) % 360 });
  });
  $('summary').textContent = `${speakers.length} ${speakers.length === 1 ? 'speaker' : 'speakers'}, ${metadata.word_count} words, `
    + `${clock(metadata.total_duration)} long, annotated in ${Math.round(seconds)} s`;
  $('warnings').replaceChildren(...(metadata.warnings || []).map((warning) => element('li', warning)));
  $('dialogue').replaceChildren(...segments.map((segment) => {
    const who = names.get(segment.speaker_id) || { name: segment.speaker_id, hue: 0 };
    const line = document.createElement('li');
    const name = element('span', who.name, { className: 'who' });
    name.style.setProperty('--hue', who.hue);
    line.append(element('time', clock(segment.start_time)), name, element('span', segment.text, { className: 'text' }));
    return line;
  }));
  show('result');
}

async function annotate() {
  const file = $('file').files[0];
  const server = new CallAnnotate($('server').value, $('key').value.trim());
  const options = {};
  if ($('language').value) options.language = $('language').value;
  if ($('speakers').value) options.speakers = { count: Number($('speakers').value) };
  tell('sending', file.name, 0);
  $('job').textContent = '';
  show('work');
  const job = await server.submit(file, options, (share) => tell('sending', `${file.name}, ${Math.round(share * 100)} %`, share * 100));
  const watched = new AbortController();
  current = { server, id: job.job_id, watched };
  $('job').textContent = `Job ${job.job_id}`;
  show('stop');
  tell(job.status, '', 0);
  let last = null;
  await server.watch(job.job_id, (message) => { last = message.status || last; onMessage(message); }, watched.signal);
  if (last === 'completed' && !watched.signal.aborted) showResult(await server.result(job.job_id));
}

$('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  if (current) current.watched.abort();
  current = null;
  for (const id of ['error', 'result', 'stop']) show(id, false);
  $('send').disabled = true;
  try {
    await annotate();
  } catch (error) {
    // What was not taken has no state to show.
    show('work', current !== null);
    fail(error);
  } finally {
    $('send').disabled = false;
  }
});

$('stop').addEventListener('click', async () => {
  const { server, id, watched } = current;
  watched.abort();
  try {
    await server.delete(id);
    tell('deleted', '', 0);
    for (const part of ['stop', 'result', 'error']) show(part, false);
  } catch (error) {
    fail(error);
  }
});

// Where this page comes from a server, that is the likely one; opened from disk it is the usual port.
$('server').value = location.protocol.startsWith('http') ? location.origin : 'http://localhost:8000';
