#!/usr/bin/env bash
# Makes .venv with the locked dependencies and Gridwatch itself (editable). Does nothing when they are already there.
# GRIDWATCH_PYTHON names the interpreter to use (default: the first of python3, python3.13 .. 3.11 that is 3.11 or newer).
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/gridwatch"
venv=.venv
stamp="$venv/.gridwatch-stamp"

fail() { echo "gridwatch: $1" >&2; exit 4; }

digest() { cat requirements.lock pyproject.toml infra/setup.sh | cksum; }

wanted="$(digest)"
if [[ -x "$venv/bin/gridwatch" && -f "$stamp" && "$(cat "$stamp")" == "$wanted" ]]; then
    exit 0
fi

may_apt() { [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; }

find_python() {
    local candidate
    for candidate in ${GRIDWATCH_PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    return 1
}

python="$(find_python)" || fail "no Python 3.11, 3.12 or 3.13 (PATH): install one, or name it in GRIDWATCH_PYTHON"

# uv from the PATH; else from pip; pip from ensurepip, from the system, or from apt. uv itself needs no pip afterwards.
find_uv() {
    local tools="$cache/tools"
    if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then command -v uv; return; fi
    if [[ -x "$tools/bin/uv" ]]; then echo "$tools/bin/uv"; return; fi
    mkdir -p "$cache"
    if ! "$python" -m venv --clear "$tools" >/dev/null 2>&1; then
        rm -rf "$tools"
        if ! "$python" -m pip --version >/dev/null 2>&1 && may_apt; then
            echo "setup: installing python3-venv with apt" >&2
            { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv python3-pip; } >&2
        fi
        if ! "$python" -m venv --clear "$tools" >/dev/null 2>&1; then
            rm -rf "$tools"
            "$python" -m venv --without-pip "$tools" >&2
            "$python" -m pip --python "$tools/bin/python" install --quiet uv >&2 || return 1
            echo "$tools/bin/uv"
            return
        fi
    fi
    "$tools/bin/python" -m pip install --quiet uv >&2 || return 1
    echo "$tools/bin/uv"
}

uv="$(find_uv)" || fail "no uv and no pip to install it with ($python): install python3-venv, or uv, and run make setup again"

started=$SECONDS
echo "setup: environment in $venv with $python" >&2
if ! "$venv/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    "$uv" venv --quiet --clear --python "$python" "$venv"
fi
# pip's own place for local wheels, honoured so that an air-gapped mirror works the same for pip and uv.
links=()
for link in ${PIP_FIND_LINKS:-}; do links+=(--find-links "$link"); done
"$uv" pip sync --python "$venv/bin/python" --require-hashes ${links[@]+"${links[@]}"} requirements.lock
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
printf '%s\n' "$wanted" >"$stamp"
echo "setup: ready in $((SECONDS - started)) s" >&2
