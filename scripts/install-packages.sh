#!/bin/sh
# Installs the system packages that docker/packages lists for the given purposes and that are missing.
#   scripts/install-packages.sh build demo
# A package counts as present if its program is found, from whatever source: a machine may have another node or python.
set -eu
cd "$(dirname "$0")/.."

program_of() {
    case "$1" in
        nodejs) echo node ;;
        python3-venv | libstdc++6 | ca-certificates | libsox-fmt-all) echo "" ;;
        *) echo "$1" ;;
    esac
}

present() {
    program=$(program_of "$1")
    if [ -n "$program" ] && command -v "$program" >/dev/null 2>&1; then return 0; fi
    if [ "$1" = chromium ] && { command -v google-chrome || command -v chromium-browser; } >/dev/null 2>&1; then return 0; fi
    if [ "$1" = python3-venv ] && python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then return 0; fi
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'
}

missing=""
for purpose in "$@"; do
    for package in $(awk -v purpose="$purpose" '!/^#/ && $2 == purpose { print $1 }' docker/packages); do
        present "$package" || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "These packages are missing, and there is no apt-get to install them with:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    echo "These packages are missing; install them as root: apt-get install$missing" >&2
    exit 1
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words on purpose
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
