# Needs Python >= 3.10 and nothing else: the first target sets up $(VENV), later ones find it there.

PYTHON ?= python3
VENV ?= .venv
OUT ?= out
# For our own set-up only; users have any torch >= 2.3.
TORCH ?= torch==2.13.0

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: help setup demo test killed browser real ray lint types quality clean
help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

$(READY): setup.cfg pyproject.toml
	@echo "setting up $(VENV) (once; takes minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python >= 3.10 is needed, this is " + sys.version)'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) "$(TORCH)"
	@$(PIP) -e ".[dev]"
	@touch $@

setup: $(READY)  ## set up the virtual environment

demo: $(READY)  ## see it work, offline: one figure, one table
	@$(BIN)/captum-scd demo --out $(OUT)/demo

test: $(READY)  ## fast tests and doctests
	@$(BIN)/python -m pytest -m "not real and not browser and not killed and not ray" -q

killed: $(READY)  ## tests of runs that are killed, and of thousands of images
	@$(BIN)/python -m pytest -m killed -q tests/dataset

browser: $(READY)  ## tests of the report page in a real browser, where there is one
	@$(BIN)/python -m pytest -m browser -q -rs tests/report

real: $(READY)  ## tests on a real network and photos, where they are
	@$(BIN)/python -m pytest -m real -q -rs tests/real

ray: $(READY)  ## tests on Ray clusters of two nodes, where there is Ray
	@$(BIN)/python -m pytest -m ray -q -rs tests/dataset

lint: $(READY)  ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)  ## static types
	@$(BIN)/mypy

quality: $(READY)  ## measure against other methods, on real photos
	@$(BIN)/python benchmarks/quality.py --json $(OUT)/quality.json

clean:  ## remove all that is made here, the virtual environment too
	@rm -rf $(VENV) $(OUT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
