# From a fresh clone: `make run` or `make test`. Needs make, a shell and Python 3.11, 3.12 or 3.13; everything else is fetched.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup python jars run test lint types bench bench-quick lock lock-jars

PY := .venv/bin/python
# A home that is missing or not ours (a service user's) would stop pip and uv, which keep their caches there.
ifneq ($(shell [ -n "$$HOME" ] && mkdir -p "$$HOME" 2>/dev/null && [ -w "$$HOME" ] && echo yes),yes)
export HOME := $(CURDIR)/.cache/home
endif
# The virtual environment holds absolute paths, so its stamp names the lock's content and the folder.
STAMP := .venv/.installed-$(shell (cat requirements.lock; echo "$(CURDIR)") | cksum | cut -d' ' -f1)
PETASTORM := .venv-petastorm/.installed-$(shell (cat requirements-petastorm.lock; echo "$(CURDIR)") | cksum | cut -d' ' -f1)

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "make %-10s %s\n", $$1, $$2}'

setup: python jars ## install everything into .venv and .cache; quick when nothing changed

run: setup ## the whole job on the sample catalog, on local S3 and Elasticsearch; ARGS="--help" lists options
	@$(PY) -m jobs.run_sample $(ARGS)

test: setup $(PETASTORM) ## every test, in two processes; ARGS="-n 0 tests/core -k words" for some, in one
	@$(PY) -m pytest -n 2 --dist loadgroup $(ARGS)

lint: python ## style and formatting
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: python ## static types
	@$(PY) -m mypy

bench: setup ## every target of speed at the size that it is for, about an hour; make bench-NAME for one of them
	@$(PY) -m benchmarks.targets $(ARGS)

bench-%: setup
	@$(PY) -m benchmarks.targets $* $(ARGS)

# Small figures of a small sample; benchmarks/README.md has those that mean something, and how to get them.
bench-quick: python ## whether what is in benchmarks/ runs, in a few minutes
	@$(PY) -m jobs.cli sample --out .cache/bench/quick --gifs 150 --seed 7
	@$(PY) -m benchmarks.decode .cache/bench/quick/gifs --files 20 --rounds 3
	@$(PY) -m benchmarks.inference .cache/bench/quick/catalog.jsonl --gifs 20 --rounds 3
	@$(PY) -m benchmarks.duplicates --catalog .cache/bench/quick/catalog.jsonl --gifs 10 --others 40
	@$(PY) -m benchmarks.read_text .cache/bench/quick/catalog.jsonl .cache/bench/quick/truth.jsonl --gifs 60
	@$(PY) -m benchmarks.experts .cache/bench/quick/catalog.jsonl --gifs 20
	@$(PY) -m benchmarks.training_loader --catalog .cache/bench/quick/catalog.jsonl --gifs 50 --rounds 1

COMPILE = UV_SYSTEM_CERTS=true .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url $(ARGS)

# Versions in the locks stay where the .in files allow them; a lock names no index, whichever was asked.
# petastorm names pyspark among its needs, but loads it only where it writes: 400 MB less.
lock: python ## write requirements*.lock anew from requirements*.in; ARGS="--upgrade" for newer versions
	@$(INDEX) $(COMPILE) requirements.in --output-file requirements.lock
	@$(INDEX) $(COMPILE) --excludes <(echo pyspark) requirements-petastorm.in --output-file requirements-petastorm.lock

lock-jars: python ## write jars.lock anew from what autotag_core/services/jars.py names
	@$(PY) -m autotag_core.services lock

jars: python
	@$(PY) -m autotag_core.services setup

python: $(STAMP)

# A company's index in pip's settings holds for uv too.
INDEX = index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PY) -m pip config get global.index-url 2>/dev/null || true)}}; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi;

# pip installs uv as the lock pins it, uv installs the rest.
$(STAMP): requirements.lock setup.py
	@set -e; start=$$SECONDS; fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; \
	for python in python3 python3.13 python3.12 python3.11; do \
	  $$python -c "$$fits" 2>/dev/null && break || python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "setup: Python 3.11 to 3.13 is needed; python3 is $$(python3 --version 2>&1 | head -1). Put one on PATH." >&2; exit 1; \
	fi; \
	rm -f .venv/.installed-*; \
	$(PY) -c "$$fits" 2>/dev/null && $(PY) -m pip --version >/dev/null 2>&1 || { rm -rf .venv; $$python -m venv .venv; } || { \
	  echo "setup: '$$python -m venv .venv' failed; on Debian and Ubuntu install python3-venv." >&2; exit 1; }; \
	awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements.lock > .venv/uv.txt; \
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt; \
	echo "python: $$($(PY) --version) with uv in .venv, $$((SECONDS - start)) s"; start=$$SECONDS; \
	$(INDEX) \
	UV_SYSTEM_CERTS=true .venv/bin/uv pip sync --quiet --require-hashes --python $(PY) requirements.lock; \
	.venv/bin/uv pip install --quiet --offline --no-deps --no-build-isolation --python $(PY) --editable .; \
	echo "packages: as in requirements.lock, $$((SECONDS - start)) s"; \
	touch $@

# uv looks for a Python on PATH and never fetches one.
$(PETASTORM): requirements-petastorm.lock | $(STAMP)
	@set -e; start=$$SECONDS; \
	if ! .venv/bin/uv python find --quiet --system --no-python-downloads '>=3.11,<3.13'; then \
	  echo "petastorm: its tests are skipped: they need Python 3.11 or 3.12 on PATH"; exit 0; \
	fi; \
	.venv/bin/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' .venv-petastorm; \
	$(INDEX) \
	UV_SYSTEM_CERTS=true .venv/bin/uv pip sync --quiet --require-hashes --python .venv-petastorm/bin/python $<; \
	echo "petastorm: as in $<, in .venv-petastorm, $$((SECONDS - start)) s"; \
	touch $@
