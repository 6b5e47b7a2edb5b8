# The only entry: `make demo` runs the main job, `make test` proves it.
SHELL := /bin/sh
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: help demo demo-down audit userns-remap userns-remap-off userns-remap-check test lint unit live docs bench clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

$(VENV)/.ready: pyproject.toml
	testbed/python "$(PYTHON)" "$(VENV)"
	@touch $@

demo: $(VENV)/.ready ## Start a private engine with real containers, and audit it
	@testbed/show "$(BIN)/hullward"

demo-down: ## Remove all traces of the demo
	@testbed/demo down

audit: $(VENV)/.ready ## Audit the current docker context
	@$(BIN)/hullward audit

userns-remap: $(VENV)/.ready ## Make root in a container nobody on the host; ARGS=ssh://HOST
	@$(BIN)/hullward userns on $(ARGS)

userns-remap-off: $(VENV)/.ready ## Switch that off again
	@$(BIN)/hullward userns off $(ARGS)

userns-remap-check: $(VENV)/.ready ## Say what is in effect, and what stands in the way
	@$(BIN)/hullward userns check $(ARGS)

test: lint unit live ## Prove everything, on real engines too

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.ready
	$(BIN)/coverage run -m pytest tests --ignore tests/live
	$(BIN)/coverage report

live: $(VENV)/.ready
	testbed/test $(BIN)/pytest tests/live

docs: $(VENV)/.ready ## Make the generated pages of docs/ anew
	$(BIN)/python -m hullward.report.rulebook > docs/rules.md
	$(BIN)/python -m hullward.report.cis > docs/cis.md

bench: $(VENV)/.ready ## Measure speed and memory, side by side
	$(BIN)/python bench/run.py $(ARGS)

clean: ## Remove what make has built in this folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
