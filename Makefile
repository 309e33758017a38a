# From a fresh clone: `make run` or `make test`. Needs make, a shell and Python 3.11, 3.12 or 3.13; everything else is fetched.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup python jars jars-tests chromium run test oldest test-oldest test-oldest-quick lint types bench \
  bench-quality bench-quality-quick bench-quick chaos lock lock-jars test-airflow sbom audit

PY := .venv/bin/python
OLDEST := .venv-oldest/bin/python
# A home that is missing or not ours (a service user's) would stop pip and uv, which keep their caches there.
ifneq ($(shell [ -n "$$HOME" ] && mkdir -p "$$HOME" 2>/dev/null && [ -w "$$HOME" ] && echo yes),yes)
export HOME := $(CURDIR)/.cache/home
endif
# A virtual environment holds absolute paths, so its stamp names the lock's content and the folder.
stamp = $(1)/.installed-$(shell (cat $(2); echo "$(CURDIR)") | cksum | cut -d' ' -f1)
STAMP := $(call stamp,.venv,requirements.lock)
OLDEST_STAMP := $(call stamp,.venv-oldest,requirements-oldest.lock)
PETASTORM := $(call stamp,.venv-petastorm,requirements-petastorm.lock)
AIRFLOW := $(call stamp,.venv-airflow,requirements-airflow.lock)

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "make %-17s %s\n", $$1, $$2}'

setup: python jars ## install everything into .venv and .cache; quick when nothing changed

run: setup ## the whole job on the sample catalog, on local S3 and Elasticsearch; ARGS="--help" lists options
	@$(PY) -m jobs.sample.run_sample $(ARGS)

test: python jars-tests $(PETASTORM) chromium ## every test, in two processes; ARGS="-n 0 tests/core -k words" for some, in one
	@$(PY) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

test-oldest: oldest ## every test on the oldest Spark that is supported, in .venv-oldest; Python 3.11 or 3.12
	@$(OLDEST) -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

# Tables written and read, by Spark with Delta too, a session on the packaged Java, and one small night.
QUICK := tests/jobs/run/test_delta_tables.py tests/integration/test_spark_delta.py tests/integration/test_readers.py \
  tests/integration/test_java.py \
  tests/integration/test_nightly.py::test_every_table_is_published_and_has_unique_keys \
  tests/integration/test_nightly.py::test_no_gif_is_lost_between_catalog_and_search
test-oldest-quick: oldest ## a few minutes of that
	@$(OLDEST) -m pytest $(QUICK)

test-airflow: python $(AIRFLOW) ## the DAG of docs/operations on a real Airflow, in .venv-airflow
	@$(PY) -m pytest tests/docs/test_airflow_dag.py

lint: python ## style and formatting
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: python ## static types
	@$(PY) -m mypy

bench: setup ## every target of speed at the size that it is for, about an hour; make bench-NAME for one of them
	@$(PY) -m benchmarks.targets $(ARGS)

bench-%: setup
	@$(PY) -m benchmarks.targets $* $(ARGS)

bench-quality: setup ## what votes are worth on ten kinds of catalogs against the committed figures, an hour; ARGS="--help"
	@$(PY) -m benchmarks.quality $(ARGS)

bench-quality-quick: setup ## the same on one small catalog, in two minutes
	@$(PY) -m benchmarks.quality --quick

chaos: setup ## kills, outages, mutants and the like on real servers, 90 minutes; ARGS="--quick", "--only kills", "--write"
	@$(PY) -m benchmarks.chaos $(ARGS)

# Small figures of a small sample; benchmarks/README.md has those that mean something, and how to get them.
bench-quick: python ## whether what is in benchmarks/ runs, in a few minutes
	@$(PY) -m jobs.commands.app sample --out .cache/bench/quick --gifs 150 --seed 7
	@$(PY) -m benchmarks.decode .cache/bench/quick/gifs --files 20 --rounds 3
	@$(PY) -m benchmarks.inference .cache/bench/quick/catalog.jsonl --gifs 20 --rounds 3
	@$(PY) -m benchmarks.duplicates --catalog .cache/bench/quick/catalog.jsonl --gifs 10 --others 40
	@$(PY) -m benchmarks.read_text .cache/bench/quick/catalog.jsonl .cache/bench/quick/truth.jsonl --gifs 60
	@$(PY) -m benchmarks.experts .cache/bench/quick/catalog.jsonl --gifs 20
	@$(PY) -m benchmarks.training_loader --catalog .cache/bench/quick/catalog.jsonl --gifs 50 --rounds 1

# Versions in the locks stay where the .in files allow them, and what the oldest Spark does not decide is the same in all.
# The files name no index, whichever was asked. petastorm names pyspark among its needs, but loads it only where it writes:
# 400 MB less.
lock: python ## write every requirements*.lock anew from its .in file; ARGS="--upgrade" for newer versions
	@$(call compile,requirements,$(ARGS))
	@cp requirements.lock requirements-oldest.lock
	@$(call compile,requirements-oldest)
	@$(call compile,requirements-petastorm,$(ARGS) --excludes <(echo pyspark))
	@$(call compile,requirements-airflow,$(ARGS))

compile = $(call index,.venv) UV_SYSTEM_CERTS=true .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-header --no-annotate --no-emit-index-url $(2) $(1).in --output-file $(1).lock

sbom: python ## every package and jar of the locks with its hashes, as CycloneDX JSON: ARGS="--out FILE"
	@$(PY) -m autotag_core.operations.bill_of_materials $(ARGS)

# pip-audit asks a database of PyPI's or OSV's, so it needs a network; its own environment is uv's.
audit: python ## known vulnerabilities of the locked packages; ARGS="--vulnerability-service osv"
	@$(call index,.venv) UV_SYSTEM_CERTS=true .venv/bin/uv tool run pip-audit==2.10.0 --requirement requirements.lock \
	  --disable-pip --require-hashes --progress-spinner off $(ARGS)

lock-jars: python $(OLDEST_STAMP) ## write jars.lock anew: what autotag_core/local_machine/jars.py names, for both Sparks
	@$(PY) -m autotag_core.local_machine lock
	@$(OLDEST) -m autotag_core.local_machine lock

jars: python
	@$(PY) -m autotag_core.local_machine setup

jars-tests: python
	@$(PY) -m autotag_core.local_machine setup --tests

# The browser for the tests of the uploader's page. Root on Debian gets it; others are told what is skipped.
chromium:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium chromium-browser google-chrome >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1; \
	  fi || true; \
	  command -v chromium >/dev/null || echo "chromium: tests of the page are skipped: name a browser with CHROMIUM, or install chromium"; \
	fi

python: $(STAMP)

oldest: $(OLDEST_STAMP)
	@$(OLDEST) -m autotag_core.local_machine setup --tests

# A company's index in pip's settings holds for uv too.
index = index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(1)/bin/python -m pip config get global.index-url 2>/dev/null || true)}}; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi;

$(STAMP): requirements.lock setup.py
	@$(call install,.venv,requirements.lock,13)
	@touch $@

$(OLDEST_STAMP): requirements-oldest.lock setup.py
	@$(call install,.venv-oldest,requirements-oldest.lock,12)
	@touch $@

# Where Python may not keep what it compiles, every process would compile its packages anew: three times the work.
compiled := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
# FOLDER, LOCK, the newest Python's minor version: pip installs uv as the lock pins it, uv installs the rest.
define install
set -e; start=$$SECONDS; fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $(3)))'; \
for python in python3 python3.13 python3.12 python3.11; do \
  $$python -c "$$fits" 2>/dev/null && break || python=; \
done; \
if [ -z "$$python" ]; then \
  echo "setup: Python 3.11 to 3.$(3) is needed; python3 is $$(python3 --version 2>&1 | head -1). Put one on PATH." >&2; exit 1; \
fi; \
rm -f $(1)/.installed-*; \
$(1)/bin/python -c "$$fits" 2>/dev/null && $(1)/bin/python -m pip --version >/dev/null 2>&1 || { rm -rf $(1); $$python -m venv $(1); } || { \
  echo "setup: '$$python -m venv $(1)' failed; on Debian and Ubuntu install python3-venv." >&2; exit 1; }; \
awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' $(2) > $(1)/uv.txt; \
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)/uv.txt; \
echo "python: $$($(1)/bin/python --version) with uv in $(1), $$((SECONDS - start)) s"; start=$$SECONDS; \
$(call index,$(1)) \
UV_SYSTEM_CERTS=true $(1)/bin/uv pip sync --quiet $(compiled) --require-hashes --python $(1)/bin/python $(2); \
$(1)/bin/uv pip install --quiet --offline --no-deps --no-build-isolation --python $(1)/bin/python --editable .; \
echo "packages: as in $(2), $$((SECONDS - start)) s"
endef

$(AIRFLOW): requirements-airflow.lock | $(STAMP)
	@set -e; start=$$SECONDS; \
	.venv/bin/uv venv --quiet --clear --no-python-downloads --python .venv/bin/python .venv-airflow; \
	$(call index,.venv) \
	UV_SYSTEM_CERTS=true .venv/bin/uv pip sync --quiet --require-hashes --python .venv-airflow/bin/python $<; \
	echo "airflow: as in $<, in .venv-airflow, $$((SECONDS - start)) s"; \
	touch $@

# uv looks for a Python on PATH and never fetches one.
$(PETASTORM): requirements-petastorm.lock | $(STAMP)
	@set -e; start=$$SECONDS; \
	if ! .venv/bin/uv python find --quiet --system --no-python-downloads '>=3.11,<3.13'; then \
	  echo "petastorm: its tests are skipped: they need Python 3.11 or 3.12 on PATH"; exit 0; \
	fi; \
	.venv/bin/uv venv --quiet --clear --no-python-downloads --python '>=3.11,<3.13' .venv-petastorm; \
	$(call index,.venv) \
	UV_SYSTEM_CERTS=true .venv/bin/uv pip sync --quiet --require-hashes --python .venv-petastorm/bin/python $<; \
	echo "petastorm: as in $<, in .venv-petastorm, $$((SECONDS - start)) s"; \
	touch $@
