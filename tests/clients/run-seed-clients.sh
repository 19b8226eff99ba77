#!/bin/sh
# Runs the specification's own clients, unmodified, against a real server on localhost:8000.
#   run-seed-clients.sh BINARY MODELS_DIR PYTHON
# Meant for a separate network namespace: `unshare --net` (as root) or `unshare --map-root-user --net`.
set -eu
# The server listens on IPv4 only. Requests to it bypass any proxy of the environment.
export NODE_OPTIONS=--dns-result-order=ipv4first NO_PROXY=localhost no_proxy=localhost
binary=$1
models=$2
python=$3
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=""
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT INT TERM

ip link set lo up 2>/dev/null || "$python" - <<'UP' || true
import fcntl, socket, struct
# SIOCGIFFLAGS and SIOCSIFFLAGS of netdevice(7): raises the loopback interface where iproute2 is missing.
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
request = fcntl.ioctl(control, 0x8913, struct.pack("16sh22x", b"lo", 0))
fcntl.ioctl(control, 0x8914, struct.pack("16sh22x", b"lo", struct.unpack("16sh22x", request)[1] | 1))
UP

VOLUME_PATH="$work/volume" CALLANNOTATE__MODELS__DIRS="$models" "$binary" serve >"$work/log" 2>&1 &
server=$!
"$python" - <<'READY'
import sys, time, urllib.request
for _ in range(600):
    try:
        urllib.request.urlopen("http://localhost:8000/health/live", timeout=1)
    except urllib.error.HTTPError:
        sys.exit()
    except OSError:
        time.sleep(0.1)
    else:
        sys.exit()
sys.exit("the server does not answer")
READY

cd "$work"
cp "$here/../fixtures/calls/voicemail.flac" recording.wav

echo "== pytest (9.2)"
"$python" -m pytest -q -p no:cacheprovider "$here/seed/test_api.py"

echo "== Python client (8.3)"
"$python" "$here/seed/client.py" >python.out
grep -q '"speakers"' python.out

echo "== browser class (8.2)"
job=$("$python" -c 'import json, requests; print(requests.post("http://localhost:8000/api/v1/jobs", files={"file": open("recording.wav", "rb")}).json()["job_id"])')
NODE_PATH="$here/node_modules" node "$here/browser.js" "$here/seed/client.js" "$job"

echo "== curl (8.1)"
# The script names an example job; the first command creates a job, the others use its id.
create=$(sed -n '/^curl -X POST/,/metadata=/p' "$here/seed/cycle.sh")
job=$(eval "$create" 2>/dev/null | "$python" -c 'import json, sys; print(json.load(sys.stdin)["job_id"])')
status_command=$(grep '^curl http.*0000$' "$here/seed/cycle.sh" | sed "s/550e8400-e29b-41d4-a716-446655440000/$job/")
result_command=$(grep '^curl http.*result$' "$here/seed/cycle.sh" | sed "s/550e8400-e29b-41d4-a716-446655440000/$job/")
delete_command=$(grep '^curl -X DELETE' "$here/seed/cycle.sh" | sed "s/550e8400-e29b-41d4-a716-446655440000/$job/")
for _ in $(seq 600); do
    eval "$status_command" 2>/dev/null | grep -q '"status":"completed"' && break
    "$python" -c 'import time; time.sleep(0.1)'
done
eval "$result_command" 2>/dev/null | grep -q '"speakers"'
eval "$delete_command -o /dev/null -w '%{http_code}'" 2>/dev/null | grep -q '^204$'
echo "seed clients: ok"
