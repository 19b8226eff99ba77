#!/bin/sh
# The life of a job with curl: every request, in the order in which a client uses them.
#   docs/examples/curl.sh RECORDING
# CALLANNOTATE_URL (http://localhost:8000) and CALLANNOTATE_API_KEY (none) set the server and the key.
set -eu
recording=$1
server=${CALLANNOTATE_URL:-http://localhost:8000}
api=$server/api/v1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --fail-with-body: an error ends the script and its envelope is printed. Temporary errors are retried: refused connections, 408, 429
# and 5xx, after Retry-After if it is sent. The key is passed in a file, because every user of a machine can see arguments.
umask 077
if [ -n "${CALLANNOTATE_API_KEY:-}" ]; then printf 'header = "Authorization: Bearer %s"\n' "$CALLANNOTATE_API_KEY"; fi >"$work/key"
request() { curl --silent --show-error --fail-with-body --retry 5 --retry-connrefused --config "$work/key" "$@"; }

# The first text field with that name. If jq is installed: jq -r .NAME
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

echo "== submit"
# The same Idempotency-Key with the same recording returns the first job again, however often it is sent.
request --form file=@"$recording" \
    --form 'metadata={"description": "Sent by curl", "priority": 5}' \
    --form 'options={"language": "auto"}' \
    --header "Idempotency-Key: curl-$$-$(date +%s)" \
    "$api/jobs" >"$work/job"
job=$(field job_id <"$work/job")
echo "job $job"

echo "== long poll: each answer comes at the next change, or after 30 s"
status=queued
while [ "$status" = queued ]; do
    request --header 'Prefer: wait=30' "$api/jobs/$job" >"$work/status"
    status=$(field status <"$work/status")
    echo "$status"
done

echo "== events: each change as it comes; the stream ends with the job"
# After a broken connection, resume from the last number: --header 'Last-Event-ID: 7'
request --no-buffer "$api/jobs/$job/events" | grep '^id\|^data' | cut -c 1-150

echo "== result, and again only if it has changed"
request --dump-header "$work/headers" --output "$work/result" "$api/jobs/$job/result"
etag=$(sed -n 's/^[Ee][Tt]ag: *\(.*[^\r]\)\r*$/\1/p' "$work/headers")
field full_text <"$work/result"
request --output /dev/null --write-out '%{http_code}\n' --header "If-None-Match: $etag" "$api/jobs/$job/result"

echo "== the first 1,024 bytes of the recording, as it was sent"
request --range 0-1023 --output "$work/part" --write-out '%{http_code} %{size_download} bytes\n' "$api/jobs/$job/audio"

echo "== the jobs of today, newest first"
request --get --data-urlencode "created_after=$(date -u +%Y-%m-%dT00:00:00Z)" --data fields=job_id,status --data limit=5 "$api/jobs"
echo

echo "== cancel a second job, queue it again, and remove both"
second=$(request --form file=@"$recording" --form 'metadata={"priority": 1}' "$api/jobs" | field job_id)
# 202 while it is being stopped, 200 if it had not begun.
request --request POST --output /dev/null --write-out '%{http_code}\n' "$api/jobs/$second/cancel"
until [ "$(request --header 'Prefer: wait=30' "$api/jobs/$second" | field status)" = cancelled ]; do :; done
request --request POST --output /dev/null --write-out '%{http_code}\n' "$api/jobs/$second/retry"
for each in "$job" "$second"; do
    request --request DELETE --write-out '%{http_code}\n' "$api/jobs/$each"
done

echo "curl: ok"
