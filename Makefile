# `make report` and `make test` do everything from a fresh clone: they need Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ACTIVE := PATH="$(CURDIR)/$(BIN):$$PATH"
CORES ?= 4

.PHONY: help setup report test test-full mutants lint docs wasm lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY)  ## create .venv with the pinned packages

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

report: setup  ## run the main job, up to results/report.html
	$(ACTIVE) snakemake --cores $(CORES)
	@echo "Report: $(CURDIR)/results/report.html"

test: setup  ## run the tests
	$(ACTIVE) python -m pytest -n auto --maxprocesses 4 --dist worksteal

test-full: setup  ## run the long versions of the tests: every kill, every environment
	$(ACTIVE) python -m pytest -m full -s

mutants: setup  ## change one token at a time and see whether the unit tests notice
	$(ACTIVE) python tests/mutants.py

lint: setup  ## lint, formats and types
	$(ACTIVE) ruff check .
	$(ACTIVE) ruff format --check .
	$(ACTIVE) mypy
	$(ACTIVE) snakefmt --check Snakefile workflow
	$(ACTIVE) snakemake --lint

docs: setup  ## write the table in config/README.md from the schema, and the site into site/
	$(ACTIVE) python docs/pages.py
	$(ACTIVE) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet
	@echo "Site: $(CURDIR)/site/index.html"

wasm: setup  ## compile the kernels for browsers anew, into report/wasm (needs wasm-ld: Debian's lld)
	$(BIN)/python -m noisynames.training.compiled.webassembly report/wasm

# A CPU wheel's version ends in "+cpu"; the lock names the release, which every platform has.
lock: setup  ## pin the packages anew, from pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --extra dev --strip-extras --allow-unsafe \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--no-header --annotation-style line --output-file requirements.lock pyproject.toml
	sed -i.bak -E 's/^(torch==[0-9.]+)\+cpu/\1/' requirements.lock && rm requirements.lock.bak

clean:  ## remove results, the site and the environment
	rm -rf results/* site $(VENV) .snakemake
	git checkout -- results/README.md
