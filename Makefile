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

.PHONY: run test ui lint bench clean lock
.DEFAULT_GOAL := run

run: $(READY)  ## the main job: demo shop, or SOURCE=<mapping> DATA=<folder>
	$(BIN)/xbec run --source $(SOURCE) $(if $(DATA),--data $(DATA))

test: $(READY)  ## all tests; those that need ../shared/data or Chromium say so and skip
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

ui: $(READY)  ## Dagster on 127.0.0.1:$(PORT)
	$(BIN)/xbec ui --port $(PORT)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt/models $(wildcard dbt/data_tests/*.sql)

bench: $(READY)  ## ratios against the named peers, CPU seconds, one thread
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m xbec_platform_tests.benchmarks

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 13)))' || \
	  { echo "Python 3.11 or 3.12 is needed; $(PYTHON) is not. Set PYTHON=<interpreter>."; exit 2; }
	@echo "setting up .venv (once, about a minute) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip sync --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

lock: .venv  ## rewrite requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --quiet --output-file requirements.lock

clean:
	rm -rf .venv .cache .xbec .xbec-* dbt/target dbt/logs
