#!/usr/bin/env bash
# mypyc (mypy 2.4.1) on a module with one pydantic 2.14.3 model, which mypy itself checks without complaint.
#
# Seen: the C that mypyc makes does not compile: `CPyModule_pydantic___main` undeclared. The generated code asks for the
# private module pydantic.main, where BaseModel is defined, and declares only the module pydantic, which is imported.
# Expected: a module that imports, or a message of mypyc's own that such a class cannot be compiled.
#
# Ends with 0 if it is still so, with 1 if anything differs. Needs Python 3.11 or newer with its headers, and a C compiler.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mypy==2.4.1 pydantic==2.14.3 setuptools==84.2.1

cat >models.py <<'PY'
from __future__ import annotations

from pydantic import BaseModel


class Caller(BaseModel):
    number: str
PY

env/bin/python -c 'import models; assert models.Caller(number="+6591234567").number == "+6591234567"'
env/bin/mypy --strict models.py
rm -rf __pycache__
if env/bin/mypyc models.py >said 2>&1; then
    echo "it compiles now"
    exit 1
fi
grep -q "CPyModule_pydantic___main.*undeclared" said || { tail -5 said; exit 1; }
echo "as described: the generated C names CPyModule_pydantic___main, which nothing declares"
