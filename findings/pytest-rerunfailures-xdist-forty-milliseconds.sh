#!/usr/bin/env bash
# pytest-rerunfailures 16.7 with pytest-xdist 3.8.0 (pytest 9.2.0): --reruns, in a session of which no test fails.
#
# Seen: each test of a worker takes about 40 ms more, so that 100 empty tests take seconds. Before each test the
# worker tells the controller how often it may be run again, and asks how often it failed, in two small writes over one TCP
# connection on loopback. Nagle's algorithm holds the second back until the first is confirmed, which Linux delays. Without
# workers (-n 0), or with TCP_NODELAY on the worker's socket (the last line), nothing of this is seen.
# Expected: what --reruns costs a test that passes is of the order of what pytest itself takes for it.
#
# Ends with 0 if it is still so, with 1 if anything differs. Needs Linux and Python 3.11 or newer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 pytest-xdist==3.8.0 pytest-rerunfailures==16.7

cat >test_empty.py <<'PY'
import pytest


@pytest.mark.parametrize("number", range(100))
def test_empty(number):
    pass
PY
cat >nodelay.py <<'PY'
import socket

import pytest


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if hasattr(config, "workerinput"):
        config.failures_db.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
PY

milliseconds() { # of the whole session
    local began ended
    began=$(date +%s%N)
    env/bin/python -m pytest -q -p no:cacheprovider "$@" test_empty.py >said 2>&1 || { cat said; exit 1; }
    grep -q '^100 passed' said || { cat said; exit 1; }
    ended=$(date +%s%N)
    echo $(((ended - began) / 1000000))
}

plain=$(milliseconds -n 1)
here=$(milliseconds -n 0 --reruns 1)
slow=$(milliseconds -n 1 --reruns 1)
nodelay=$(PYTHONPATH=. milliseconds -n 1 --reruns 1 -p nodelay)
echo "a worker: $plain ms; --reruns without a worker: $here ms; --reruns and a worker: $slow ms; with TCP_NODELAY: $nodelay ms"
# 100 tests of 40 ms are 4 s; half of it is asked for, and that TCP_NODELAY takes most of it away
((slow - plain > 2000 && slow - here > 2000 && slow - nodelay > 2000)) || { echo "differs from what is described"; exit 1; }
echo "as described: each test waits about $(((slow - plain) / 100)) ms"
