# The doors of this project.  A fresh checkout needs Python 3.11 or newer, make and, for `make test`, apt-get.
#
#   make run      the demo on http://localhost:8080, with a link for everybody in it; ARGS="--port 9000"
#   make test     everything that must hold: make check, then all tests, browsers included; ARGS="tests/balie -x"
#   make check    format, lint, types, import directions: no test is run
#   make bench    the load test; ARGS="--against janus"
#   make texts    the catalogues of balie/locale anew from the texts in the code
#   make revision a draft of a database revision; ARGS="what changed"
#   make lock     requirements.lock anew from pyproject.toml; ARGS="--upgrade"
#   make clean    all that these commands made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run
.PHONY: run test check layout lint types imports scripts collected bench texts revision lock clean browsers compiler databases networks

PYTHON ?= $(firstword $(foreach name,python3.11 python3 python3.12 python3.13 python3.14,\
	$(shell command -v $(name) >/dev/null && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		2>/dev/null && echo $(name))))
BIN := .venv/bin
READY := .venv/ready
TOOLS := node_modules/.package-lock.json
LOOPS := $(wildcard media/native/*.[ch])

# What is read is compiled once, by whoever reads it first: pip does not, and programs are started again and again.
export PYTHONDONTWRITEBYTECODE =

run: $(READY)
	@$(BIN)/balie demo $(ARGS)

test: compiler browsers databases networks
ifdef ARGS
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check
	$(BIN)/pytest $(ARGS)
else
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check collected
	$(BIN)/pytest --numprocesses auto --dist worksteal -m "not alone"
	$(BIN)/pytest -m alone $$(grep --recursive --files-with-matches --include="test_*.py" mark.alone tests)
endif

check: layout lint types imports scripts

layout: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-logo

# What Python makes of each test is made once, beside mypy, which has one core, and not by each worker.
collected: $(READY)
	@$(BIN)/pytest --collect-only -qqq >/dev/null || $(BIN)/pytest --collect-only -q

scripts: $(TOOLS)
	node_modules/.bin/tsc --project tsconfig.json

bench: compiler $(READY)
	@$(BIN)/python -m benchmarks $(ARGS)

browsers:
	@.ci/apt chromium=chromium chromium-headless-shell=chromium-headless-shell firefox-esr=firefox-esr

databases:
	@.ci/apt /usr/lib/postgresql=postgresql /usr/sbin/dovecot=dovecot-imapd /usr/sbin/clamd=clamav-daemon

# A TURN server, and packet filters in networks of their own.
networks:
	@.ci/apt /usr/bin/turnserver=coturn ip=iproute2 /usr/sbin/nft=nftables unshare=util-linux

# Without one, the loops over packets run in Python: good enough to try, not to measure.
compiler:
	@.ci/apt cc=gcc /usr/include/stdio.h=libc6-dev
	@compgen -G "media/native/_batches*.so" >/dev/null || rm -f $(READY)

# The same versions for everybody, each file by its hash, compiled when it is first read; pip before the others, as that
# of Python 3.11 looks twice as long at all that an index offers; then balie itself, as links into this checkout.
$(READY): requirements.lock pyproject.toml setup.py $(LOOPS)
	@test -n "$(PYTHON)" || { echo "balie needs Python 3.11 or newer: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		.ci/apt "ensurepip=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked dependencies; this takes about a minute."
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-compile --require-hashes \
		-r <(sed -n '/^pip==/,/[^\\]$$/p' requirements.lock)
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(TOOLS): package.json package-lock.json
	@.ci/apt node=nodejs npm=npm
	npm ci --no-audit --no-fund
	@touch $@

texts: $(READY)
	@$(BIN)/pybabel -q extract --mapping-file pyproject.toml --keyword pgettext:1c,2 --sort-by-file --no-location \
		--project balie --output-file balie/locale/balie.pot .
	@for language in fr en de; do $(BIN)/pybabel -q update --input-file balie/locale/balie.pot --locale $$language \
		--output-file balie/locale/$$language.po --no-fuzzy-matching --ignore-obsolete --omit-header; done
	@rm balie/locale/balie.pot

revision: $(READY)
	@$(BIN)/python -c 'import sys; from balie.store.migrate import draft; draft(sys.argv[1])' "$(ARGS)"

lock: $(READY)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --all-extras \
		--strip-extras --no-emit-index-url --no-emit-find-links --output-file requirements.lock $(ARGS) pyproject.toml

clean:
	rm -rf .venv node_modules build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache media/native/*.so
	find . -name __pycache__ -prune -exec rm -rf {} +
