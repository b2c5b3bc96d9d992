# Needs Python >= 3.10 and nothing else: the first target sets up $(VENV), later ones find it there.

PYTHON ?= python3
VENV ?= .venv
OUT ?= out
# For our own set-up only; users have any torch >= 2.3.
TORCH ?= torch==2.13.0

# Fast tests run on all cores; SPREAD= runs them one after another, for a debugger.
SPREAD ?= -n auto --dist worksteal

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
READY := $(VENV)/.ready

.PHONY: help setup demo test killed shortcut browser notebooks tutorials real ray mutants lint types pythons docs dist quality clean
help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

$(READY): setup.cfg pyproject.toml
	@echo "setting up $(VENV) (once; takes minutes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python >= 3.10 is needed, this is " + sys.version)'
	@$(PYTHON) -m venv $(VENV)
	@echo "  1 of 2: $(TORCH), a large download"
	@$(PIP) "$(TORCH)"
	@echo "  2 of 2: captum_scd, and what its tests, notebooks and reference need"
	@$(PIP) -e ".[dev]"
	@touch $@

setup: $(READY)  ## set up the virtual environment

demo: $(READY)  ## see it work, offline: one figure, one table
	@$(BIN)/captum-scd demo --out $(OUT)/demo

test: $(READY)  ## fast tests and doctests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(SPREAD) -q \
	    -m "not (real or browser or killed or shortcut or notebooks or ray)"

shortcut: $(READY)  ## errors must find a shortcut that was planted, and nothing where there is none
	@$(BIN)/python -m pytest -m shortcut -q tests/benchmarks

killed: $(READY)  ## tests of runs that are killed, and of thousands of images
	@$(BIN)/python -m pytest -m killed -q tests/dataset

browser: $(READY)  ## tests of the report page in a real browser, where there is one
	@$(BIN)/python -m pytest -m browser -q -rs tests/report

notebooks: $(READY)  ## run the tutorials in a smoke size
	@$(BIN)/python -m pytest -m notebooks -q tests/tutorials

tutorials: $(READY)  ## run the tutorials and write their outputs, NAMES="01 02" or all
	@$(BIN)/python tutorials/run.py $(NAMES)

real: $(READY)  ## tests on a real network and photos, where they are
	@$(BIN)/python -m pytest -m real -q -rs tests/real

ray: $(READY)  ## tests on Ray clusters of two nodes, where there is Ray
	@$(BIN)/python -m pytest -m ray -q -rs tests/dataset tests/cli

mutants: $(READY)  ## plant faults in the core, see which its tests miss, FILES="sampling grid" or all
	@$(PIP) -e ".[mutants]"
	@$(BIN)/python tests/mutants.py --out $(OUT)/mutants $(FILES)

lint: $(READY)  ## style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)  ## static types
	@$(BIN)/mypy

pythons: $(READY)  ## types for the oldest and newest Python that is promised, and bytecode where there is one
	@for python in 3.10 3.13; do \
	    printf 'Python %s: ' $$python; $(BIN)/mypy --python-version $$python || exit 1; \
	    if python$$python -c '' 2> /dev/null; then \
	        PYTHONPYCACHEPREFIX=$(OUT)/bytecode python$$python -m compileall -qf captum_scd || exit 1; \
	    else echo "  not here, so not compiled"; fi; \
	done

docs: $(READY)  ## the reference and the tutorials as HTML; a warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -E tutorials $(OUT)/docs
	@echo "$(OUT)/docs/index.html"

dist: $(READY)  ## wheel and sdist, checked
	@$(BIN)/python -m build --outdir $(OUT)/dist .
	@$(BIN)/python -m twine check --strict $(OUT)/dist/*

quality: $(READY)  ## measure against other methods, on real photos
	@$(BIN)/python benchmarks/quality.py --json $(OUT)/quality.json

clean:  ## remove all that is made here, the virtual environment too
	@rm -rf $(VENV) $(OUT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
