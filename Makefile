# Everything lives in this checkout: the environment in .venv, caches in .cache, homes in .xbec*.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SOURCE ?= demo
DATA ?=
PORT ?= 3000
ifeq ($(SOURCE),demo)
XBEC_HOME ?= .xbec
else
XBEC_HOME ?= .xbec-$(SOURCE)
endif
export XBEC_HOME
export UV_CACHE_DIR := .cache/uv
# Once at set-up (20 s) instead of in every process where Python may not write bytecode: importing Dagster and dbt
# takes 3.9 CPU s with it and 6.1 without.
export UV_COMPILE_BYTECODE := 1
export MPLCONFIGDIR := .cache/matplotlib
BIN := .venv/bin
READY := .venv/.ready
SPARK_READY := .venv-spark/.ready
DUCKDB2_TESTS := $(addprefix xbec_platform_tests/unit/,warehouse ingest/test_quarantine.py ingest/test_manifest.py)

.PHONY: run test test-spark test-duckdb2 ui lint bench clean lock
.DEFAULT_GOAL := run

run: $(READY)  ## the main job: demo shop, or SOURCE=<mapping> DATA=<folder>
	$(BIN)/xbec run --source $(SOURCE) $(if $(DATA),--data $(DATA))

test: $(READY)  ## all tests; those that need ../shared/data or Chromium say so and skip
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

test-spark:  ## every dbt model on Spark and on DuckDB, compared; needs Java 17
	@if command -v java >/dev/null; then \
	  $(MAKE) --no-print-directory $(SPARK_READY) && \
	  XBEC_TEST_SPARK=1 $(BIN)/python -m pytest xbec_platform_tests/spark; \
	else echo "test-spark skipped: Spark 4 needs Java 17 or newer, and there is no java on PATH"; fi

# DuckDB 2 lies before the locked 1.5 on Python's path, in its own folder; everything else is the same environment.
test-duckdb2: $(READY) requirements-duckdb2.lock  ## storage and intake with DuckDB 2
	$(BIN)/uv pip install --quiet --require-hashes --target .cache/duckdb2 --requirement requirements-duckdb2.lock
	PYTHONPATH=.cache/duckdb2 $(BIN)/python -c 'import duckdb; assert duckdb.__version__.startswith("2."), duckdb.__version__'
	PYTHONPATH=.cache/duckdb2 $(BIN)/python -m pytest $(DUCKDB2_TESTS)

ui: $(READY)  ## Dagster on 127.0.0.1:$(PORT)
	$(BIN)/xbec ui --port $(PORT)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models $(wildcard dbt/data_tests/*.sql)

bench: $(READY)  ## ratios against the named peers, CPU seconds, one thread; BENCH="routes location": only these
	@$(BIN)/uv pip install --quiet --no-build-isolation --editable '.[bench]' || \
	  echo "peers could not be installed: their rows are left out"
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m xbec_platform_tests.benchmarks $(BENCH)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 13)))' || \
	  { echo "Python 3.11 or 3.12 is needed; $(PYTHON) is not. Set PYTHON=<interpreter>."; exit 2; }
	@echo "setting up .venv (once, about a minute) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(SPARK_READY): requirements-spark.lock $(READY)
	@echo "setting up .venv-spark (once, about two minutes: Spark is 400 MB) ..."
	$(PYTHON) -m venv --without-pip .venv-spark
	$(BIN)/uv pip sync --quiet --python .venv-spark/bin/python --require-hashes requirements-spark.lock
	@touch $(SPARK_READY)

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet
lock: .venv  ## rewrite the lock files from pyproject.toml
	$(LOCK) pyproject.toml --extra dev --output-file requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], sep="\n")' \
	  | $(LOCK) - --constraint requirements.lock --output-file requirements-spark.lock
	echo 'duckdb>=2,<3' | $(LOCK) - --output-file requirements-duckdb2.lock

clean:
	rm -rf .venv .venv-spark .cache .xbec .xbec-* dbt/target dbt/logs
