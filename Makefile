# Everything a person or a machine runs here. Needs Python 3.11 or 3.12 with venv and pip.
.PHONY: help setup demo test test-fast lint bench docs pages lock clean
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-to-run
DEV_READY := $(VENV)/.ready-to-develop
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install -qq --no-input

# Two processes of one thread each, whatever the machine, so that tests neither crawl nor starve
# what else is running. What one process has left over at the end, the other takes.
TEST_JOBS := 2
PYTEST := $(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal
BOUNDED := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 \
	MPLBACKEND=Agg MLFLOW_DISABLE_TELEMETRY=true

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

setup: $(RUN_READY) ## create .venv with the locked requirements and the sidestep command

demo: $(RUN_READY) ## simulate, train and score; the results are left in demo-out
	$(BIN)/sidestep demo --out demo-out

test: $(DEV_READY) ## run every test
	$(BOUNDED) $(PYTEST) $(if $(CI),--durations=30)

test-fast: $(DEV_READY) ## run the tests that take seconds
	$(BOUNDED) $(PYTEST) -m "not slow"

lint: $(DEV_READY) ## check style, types and the direction of imports
	$(BIN)/ruff check --output-format concise .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(RUN_READY) ## measure the accuracy on the real studies in ../shared (or SIDESTEP_SHARED)
	$(BIN)/python -m benchmarks.accuracy breast --repeats 3
	$(BIN)/python -m benchmarks.accuracy pancan

docs: $(DEV_READY) ## build the site of docs into site, without network; its links are checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@echo "Look at site/index.html"

pages: $(RUN_READY) ## write the pages of docs anew that are made: of the examples, and of docstrings
	$(BOUNDED) $(BIN)/python docs/render.py
	$(BIN)/python docs/api.py

# The plain public index whatever this machine is set to, so that the hashes hold elsewhere too.
COMPILE := PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_EXTRA_INDEX_URL= \
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/python -m piptools compile --quiet \
	--generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: $(DEV_READY) ## pin the requirements anew (Python 3.11 on Linux)
	$(COMPILE) --upgrade --extra survival --extra cluster --extra h5ad --build-deps-for=editable \
		--output-file requirements.lock pyproject.toml
	$(COMPILE) --upgrade --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock pyproject.toml

clean: ## remove the environment, caches and the demo's results
	rm -rf $(VENV) build demo-out site .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip comes last into a new environment: where it is, the environment is whole.
$(BIN)/pip:
	@for python in python3.11 python3.12 python3; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' \
			2>/dev/null; then exec $$python -m venv $(VENV); fi; \
	done; echo "make: no Python 3.11 or 3.12 on PATH: install one, with its venv module" >&2; exit 1

$(RUN_READY): requirements.lock pyproject.toml | $(BIN)/pip
	@echo "Installing the locked requirements into $(VENV) (a minute or two, once) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@$(PIP) check --quiet
	@echo "Compiling what scoring runs (once) ..."
	@$(BIN)/python -m sidestep.serving.scoring.compile_ahead
	@touch $@

$(DEV_READY): $(RUN_READY) requirements-dev.lock
	@echo "Installing the locked development tools ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
