# `make site` and `make test` need Python 3.11 or newer, and nothing else.
PYTHON ?= python3
export NO_MKDOCS_2_WARNING = 1
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install browser site serve capture check test drift lint format types build lock clean

help: ## Show what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{printf "make %-9s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version); name another with: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(READY) ## Make .venv with everything that is needed

browser: ## Install Chromium, which the tests of the built pages need
	@.ci/browser

site: $(READY) ## Capture what is stale, build the site, say where it is
	@$(BIN)/agno-lite gallery capture
	@$(BIN)/mkdocs build --quiet --strict
	@echo "The site is in $(CURDIR)/site: open site/index.html, or run make serve"

serve: $(READY) ## Serve the site and refresh it on every save
	@$(BIN)/mkdocs serve

capture: $(READY) ## Run the examples whose captures are stale
	@$(BIN)/agno-lite gallery capture

check: $(READY) ## Say what is stale or wrong, without running anything
	@$(BIN)/agno-lite gallery check

test: $(READY) browser ## Run every test
	@$(BIN)/python -m pytest -n auto --dist loadfile

drift: $(READY) ## Change the projects in a thousand places, and count what the gallery gets wrong
	@$(BIN)/python -m tests.benchmarks.drift

lint: $(READY) ## Check style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Run: make format" >&2; exit 1; }

format: $(READY) ## Format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

types: $(READY) ## Check types
	@$(BIN)/mypy

build: $(READY) ## Build the site from the captures as they are; warnings are errors
	@$(BIN)/mkdocs build --quiet --strict

lock: $(READY) ## Write requirements.lock anew from pyproject.toml
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --all-extras --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml --output-file requirements.lock

clean: ## Remove what was made, but for .venv
	@rm -rf site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
