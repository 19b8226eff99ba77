#!/bin/sh
# Builds benches/http with the server's profile, and links the program to the given name.
set -eu
cd "$(dirname "$0")/.."
built=$(cargo build --release --locked --bench http_peers --message-format=json-render-diagnostics |
    sed -n 's/.*"name":"http_peers".*"executable":"\([^"]*\)".*/\1/p')
[ -n "$built" ] || { echo "http_peers was not built" >&2; exit 1; }
ln -sf "$built" "$1"
