# `make` lists the targets. Everything runs in .venv, which is made on first use from
# pyproject.toml and constraints.txt, and made anew when either of them changes.

PYTHON   ?= python3
PIP_ARGS ?=
VENV     := .venv
BIN      := $(VENV)/bin
STAMP    := $(VENV)/.complete
LOWEST   := .venv-lowest
SKTIME   := .venv-sktime
ARGS     ?=
# Tests run in as many processes as there are cores, four at most.
WORKERS  ?= auto
PYTEST   := python -m pytest --numprocesses $(WORKERS) --maxprocesses 4

# Where python3 is older than 3.11, a newer one beside it is used. A PYTHON given by hand is final.
PYTHONS  := $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.13 python3.12 python3.11)
PIP       = python -m pip --disable-pip-version-check --quiet --quiet install $(PIP_ARGS)

# Tests start processes of their own, which would compile all modules anew, each of them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup forecast test coverage test-fast test-ray test-sktime test-lowest lint architecture docs format build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  PYTHON=python3.12     the Python that .venv is made from (3.11 or newer)'
	@echo '  PIP_ARGS="..."        more arguments for pip; this chooses the CPU build of PyTorch:'
	@echo '      make setup PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"'
	@echo '  ARGS="..."            more arguments for pytest: make test-fast ARGS="-k rollout -x"'
	@echo '  WORKERS=0             one process for the tests, as a debugger needs it'

setup: $(STAMP) ## make .venv with tsgen and all that the tests need

$(STAMP): pyproject.toml constraints.txt
	@for python in $(PYTHONS); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Setting up $(VENV) with $$python (once; takes some minutes)"; \
	        exec "$$python" -m venv --clear $(VENV); \
	    fi; \
	done; \
	echo "tsgen needs Python 3.11 or newer, and '$(PYTHON)' is: $$("$(PYTHON)" --version 2>&1)." >&2; \
	echo "Install one and name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
	exit 1
	@$(BIN)/$(PIP) --constraint constraints.txt hatchling
	@$(BIN)/$(PIP) --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# The oldest Python, too, since the oldest numpy has no builds for the newest one.
$(LOWEST)/.complete: pyproject.toml constraints-lowest.txt
	@python3.11 -m venv --clear $(LOWEST)
	@$(LOWEST)/bin/$(PIP) --constraint constraints-lowest.txt hatchling
	@$(LOWEST)/bin/$(PIP) --constraint constraints-lowest.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# Of its own, since sktime 1.2 wants pandas below 3.1.
$(SKTIME)/.complete: $(STAMP) pyproject.toml constraints-sktime.txt
	@$(BIN)/python -m venv --clear $(SKTIME)
	@$(SKTIME)/bin/$(PIP) --constraint constraints-sktime.txt hatchling
	@$(SKTIME)/bin/$(PIP) --constraint constraints-sktime.txt --no-build-isolation \
	    --editable '.[sktime,mlflow]' pytest
	@touch $@

forecast: $(STAMP) ## forecast 24 months of datasets/air_passengers.csv: forecast.csv and forecast.png
	$(BIN)/tsgen forecast datasets/air_passengers.csv --horizon 24 --out forecast.csv --plot forecast.png \
	    --overwrite

test: $(STAMP) ## all tests and the examples in the docstrings
	$(BIN)/$(PYTEST) -m "not ray" $(ARGS)

coverage: $(STAMP) ## the same, and which lines they run, which takes half as long again
	$(BIN)/$(PYTEST) -m "not ray" --cov=tsgen --cov-report=term $(ARGS)

test-fast: $(STAMP) ## the tests that are not marked slow
	$(BIN)/$(PYTEST) -m "not slow and not ray" $(ARGS)

test-ray: $(STAMP) ## the tests that start a cluster of Ray on this machine, which they need installed
	@$(BIN)/$(PIP) --constraint constraints.txt --no-build-isolation --editable '.[ray]'
	$(BIN)/python -m pytest -m ray tests/distributed $(ARGS)

# sktime 1.2 warns at each forecaster of a default that 1.3 will change.
test-sktime: $(SKTIME)/.complete ## the checks of sktime and the tests of MLflow, in an environment of their own
	$(SKTIME)/bin/python -m pytest -W "ignore:The default of config:FutureWarning" tsgen/bridges \
	    $(addprefix tests/bridges/test_,sktime.py mlflow.py documentation.py) $(ARGS)

# pandas 2.3.0 rounds memory that it has not written yet, where durations are missing.
test-lowest: $(LOWEST)/.complete ## the same with the lowest versions that pyproject.toml promises
	$(LOWEST)/bin/$(PYTEST) -m "not slow and not ray" -W "ignore:overflow encountered:RuntimeWarning" $(ARGS)

lint: $(STAMP) ## ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

architecture: $(STAMP) ## rooms, floors and arrows of the import graph
	$(BIN)/python -m benchmarks.architecture

docs: $(STAMP) ## the pages of docs/ and all public names, as a site in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

format: $(STAMP) ## let ruff format and repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(STAMP) ## sdist and wheel in dist/, checked, and tried in an empty environment
	.ci/release $(PIP_ARGS)

clean: ## remove .venv and everything that was generated
	rm -rf $(VENV) $(LOWEST) $(SKTIME) build dist site .coverage .hypothesis .benchmarks .mypy_cache .pytest_cache .ruff_cache \
	    .import_linter_cache forecast.csv forecast.png
	find tsgen tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
