#!/usr/bin/env bash
# mypyc (mypy 2.4.1) on a dataclass with a ClassVar that holds a dict.
#
# Seen: the module compiles, and its import raises ValueError "mutable default <class 'dict'> for field labels": dataclasses
# takes the class variable for a field. Uncompiled, and for mypy, it is a ClassVar (PEP 557: excluded from the fields).
# Expected: the compiled class has the fields of the uncompiled one.
#
# Ends with 0 if it is still so, with 1 if anything differs. Needs Python 3.11 or newer with its headers, and a C compiler.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mypy==2.4.1 setuptools==84.2.1

cat >values.py <<'PY'
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Barring:
    labels: ClassVar[dict[str, str]] = {"on": "barred"}
    active: bool = False
PY

env/bin/python -c 'import dataclasses, values; assert [f.name for f in dataclasses.fields(values.Barring)] == ["active"]'
env/bin/mypy --strict values.py
rm -rf __pycache__
env/bin/mypyc values.py >said 2>&1 || { tail -5 said; exit 1; }
if env/bin/python -c 'import values' >said 2>&1; then
    echo "it imports now"
    exit 1
fi
grep -q "mutable default <class 'dict'> for field labels" said || { tail -5 said; exit 1; }
echo "as described: the compiled dataclass takes its ClassVar for a field"
