#!/bin/sh
# Checks the dependencies against deny.toml: licences, duplicate versions, sources, and known vulnerabilities.
#
#   scripts/deny.sh CARGO_DENY        the path of the program
#
# The database of vulnerabilities is at github.com. Where that cannot be reached, the last copy is used; without a copy everything
# else is checked, and the last line says what was not.
set -eu
cd "$(dirname "$0")/.."
deny=${1:?usage: scripts/deny.sh CARGO_DENY}
# A waiver in deny.toml that nothing needs any more is an error.
strict="-D unmatched-skip -D unnecessary-skip -D advisory-not-detected"

# shellcheck disable=SC2086 # a list of options on purpose
"$deny" --locked check $strict licenses bans sources
timeout 60 "$deny" --locked fetch db >/dev/null 2>&1 || echo "The database of vulnerabilities cannot be reached: looking for a copy of it" >&2
if ls -d "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/*/ >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    "$deny" --locked --offline check $strict advisories
else
    echo "NOT CHECKED: known vulnerabilities of the dependencies; there is no copy of the database on this machine" >&2
fi
