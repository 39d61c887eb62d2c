#!/bin/sh
# Make a virtual environment from a lock file: sh scripts/setup_venv.sh FOLDER LOCK_FILE
# PYTHON names the interpreter (default python3). Every package comes with a hash, as a wheel, so no package's code runs
# while it is installed. The Makefile adds the checkout itself where its `idp` command is needed.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
folder=$1
lock=$2

fail() {
    echo "setup: $*" >&2
    exit 1
}

command -v "$PYTHON" >/dev/null 2>&1 ||
    fail "there is no '$PYTHON'. Install Python 3.11, 3.12 or 3.13 (Debian: apt-get install python3 python3-venv)" \
        "or name one: make PYTHON=/path/to/python3.12 …"

"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    fail "'$PYTHON' is $("$PYTHON" -V 2>&1); this project runs on 3.11, 3.12 and 3.13." \
        "Name one of them: make PYTHON=/path/to/python3.12 …"

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "'$PYTHON' cannot make virtual environments: its modules venv and ensurepip are missing." \
        "On Debian and Ubuntu: apt-get install python3-venv   (Fedora and macOS bring them with python3.)"

rm -rf "$folder"
echo "Making $folder from $lock with $("$PYTHON" -V 2>&1) (a minute, once)"
"$PYTHON" -m venv "$folder"

# Settings of the surrounding machine (a mirror, a proxy, a certificate) stay in force; only the lock decides what comes.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --require-hashes -r "$lock"
