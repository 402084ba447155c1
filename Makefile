# Two commands are all a newcomer needs: `make demo` and `make test`.
.DEFAULT_GOAL := help
SHELL := /bin/bash
CONSTRAINTS := .ci/constraints.txt

# Real phones (PJSIP) need Python 3.11 or 3.12: one of those is preferred where several are installed, and of those
# the distribution's, which is built with profile-guided optimisation: the proxy needs a quarter less CPU on it.
PYTHON ?= $(shell for p in /usr/bin/python3.12 /usr/bin/python3.11 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
# Most tests wait for sockets, processes and sound more than they compute: three times as many at once as there are
# processors; twice, where the proxy alone is tested, four times, where nothing else needs much. WORKERS says otherwise.
PROCESSORS := $(shell getconf _NPROCESSORS_ONLN)
AT_ONCE = $(shell expr 3 '*' $(PROCESSORS))
test-compiled: AT_ONCE = $(shell expr 2 '*' $(PROCESSORS))
unit: AT_ONCE = $(shell expr 4 '*' $(PROCESSORS))
# A dialogue in real time may fail where a busy machine was late: it is told as a rerun, and what fails thrice is a failure.
ONE_BY_ONE := -m pytest --reruns 2
PYTEST = $(ONE_BY_ONE) -n $(or $(WORKERS),$(AT_ONCE)) --dist loadscope --no-loadscope-reorder
# Tests start Python hundreds of times: what it compiled is kept (`make clean` takes it away).
unexport PYTHONDONTWRITEBYTECODE
# Each would start threads for matrices, of which there are none.
export OPENBLAS_NUM_THREADS := 1
# The proxy's core compiled by mypyc: an environment of its own, so that what runs in .venv is always what is written.
COMPILED := .venv-compiled$(RINGFENCE_OPTIMISE:%=-%)
LAB_PORT := $(or $(RINGFENCE_PORT),5060)

.PHONY: help demo test test-compiled unit compiled lint types style bench coverage clean system-packages docker-engine standing-lab

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/.done: pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "Ringfence needs Python 3.11 or newer with venv (Debian, Ubuntu: apt install python3-venv)"; exit 3; }
	@echo "setting up .venv with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) -e '.[phones,data,cluster,dev]'
	@touch $@

demo: .venv/.done ## play the default suite on the embedded softswitch and print the result
	@$(BIN)/ringfence run scenarios; code=$$?; \
	echo; echo 'Next, see a call being refused, in the browser: $(BIN)/ringfence serve --open'; \
	echo 'and press "Cold call from abroad" there. Ctrl-C ends it.'; exit $$code

system-packages:
	@PYTHON="$(PYTHON)" .ci/system-packages

docker-engine: system-packages
	@.ci/docker-engine

test: .venv/.done docker-engine ## run style checks, type checks and every test
	@$(MAKE) --no-print-directory lint types
	RINGFENCE_BUILD=pure $(BIN)/python $(PYTEST) -m "not (bench or quiet)"
	RINGFENCE_BUILD=pure $(BIN)/python $(ONE_BY_ONE) -m quiet

test-compiled: compiled ## run the tests of the proxy with its core compiled, as CI does too
	RINGFENCE_BUILD=compiled PYTHONSAFEPATH=1 $(COMPILED)/bin/python $(PYTEST) -o pythonpath= \
		-m "not (bench or browser or docker or peers or phones)" tests/proxy tests/torture

unit: .venv/.done ## run the tests that need nothing but Python packages: no Docker, SIPp, Kamailio, Chromium or PJSIP
	$(BIN)/python $(PYTEST) -m "not (bench or browser or docker or peers or phones)"

compiled: $(COMPILED)/.done ## build the proxy with its core compiled (mypyc), into .venv-compiled

$(COMPILED)/.done: .venv/.done .ci/compile.py .ci/compiled-venv $(shell find proxy simulator -type f -not -name '*.pyc')
	@PYTHON="$(PYTHON)" .ci/system-packages cc Python.h
	@echo "compiling the proxy's core ..."
	@.ci/compiled-venv $(COMPILED)
	@$(COMPILED)/bin/ringfence --version

lint: .venv/.done ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: .venv/.done ## mypy --strict, of sources and tests
	$(BIN)/mypy

style: .venv/.done ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

coverage: .venv/.done docker-engine ## run the tests and show what they do not reach; less than today's share is a failure
	@$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) -m "not (bench or quiet)"
	$(BIN)/coverage run $(ONE_BY_ONE) -m quiet
	@$(BIN)/coverage combine -q
	$(BIN)/coverage report

bench: .venv/.done system-packages ## compare CPU per call and setup delay with Kamailio, in one run; BENCH=EXPR takes a part
	@$(MAKE) --no-print-directory compiled || echo "without a compiled build: its figures are left out"
	BENCH_COMPILED=$(COMPILED)/bin/python $(BIN)/python -m pytest -m bench -s tests/bench $(if $(BENCH),-k '$(BENCH)')

standing-lab: .venv/.done ## start proxy and Asterisk in containers, for phones of your own
	@.ci/system-packages dockerd docker-compose && .ci/docker-engine
	@$(BIN)/ringfence lint docker/standing-lab >/dev/null
	@$(BIN)/ringfence softswitch base
	@docker/lab down >/dev/null 2>&1; ! docker/answers-options $(LAB_PORT) || \
		{ echo "a SIP element answers on 127.0.0.1:$(LAB_PORT) already: stop it, or take another RINGFENCE_PORT"; exit 3; }
	@docker/lab up -d --build && docker/lab exec -T proxy sh -c 'answers-options $$RINGFENCE_PORT 30' \
		|| { docker/lab logs --tail 20; exit 3; }
	@for i in $$(seq 120); do docker/lab ps | grep -q 'proxy.*(healthy)' && break; sleep 0.25; done; docker/lab ps
	@docker/lab ps | grep -q 'proxy.*(healthy)' || { docker/lab logs --tail 5 proxy; exit 3; }
	@echo "the standing lab answers on 127.0.0.1:$(LAB_PORT); who has a phone: docker/standing-lab/subscribers.yaml"

clean: ## remove the environment, caches and runs
	rm -rf .venv .venv-compiled* .compiled .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov dist runs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
