#!/bin/sh
# Renew the lock files in requirements/ from pyproject.toml: every package with its hashes, for Python 3.11 to 3.13.
# Arguments go to uv: `--upgrade` takes the newest versions, `--upgrade-package NAME` the newest of one package.
# Without arguments only what pyproject.toml demands changes. Called by `make lock`.
set -eu
cd "$(dirname "$0")/.."

UV=.venv-lock/bin/uv
UV_CUSTOM_COMPILE_COMMAND="make lock"
UV_PYTHON_DOWNLOADS=never
export UV_CUSTOM_COMPILE_COMMAND UV_PYTHON_DOWNLOADS

# lock OUTPUT SOURCE...: --no-build, because no package's code is run to learn what it needs.
lock() {
    output=$1
    shift
    "$UV" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-build \
        --output-file "requirements/$output" "$@"
    echo "requirements/$output: $(grep -c '==' "requirements/$output") packages"
}

# The server comes first; the others must agree with it.
lock server.txt pyproject.toml --extra server --group build "$@"
lock base.txt pyproject.toml --constraints requirements/server.txt "$@"
lock dev.txt pyproject.toml --extra server --group build --group dev --constraints requirements/server.txt "$@"
lock clients.txt --group clients --constraints requirements/dev.txt "$@"
lock tools.txt --group tools "$@"
lock audit.txt --group audit "$@"

if grep -nE '://|^ *-' requirements/base.txt requirements/server.txt requirements/dev.txt requirements/clients.txt \
    requirements/tools.txt requirements/audit.txt |
    grep -vE ':    (--hash=sha256:[0-9a-f]{64}( \\)?)$'; then
    echo "The lines above name a place or an option; a lock file names packages and hashes only." >&2
    exit 1
fi
