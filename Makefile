# Every target makes what it needs of .venv itself and works from a clean clone.
# PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3.11
PYTHON := $(or $(shell command -v $(PYTHON) 2>/dev/null),python3)
BIN := .venv/bin
# Python compiles what it imports, which is a fifth of what pip would.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install develop demo test check lint types docs bench clean

install: .venv/installed  ## what running needs
develop: .venv/developing  ## and what tests, linter, type checker and benchmarks need

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP_INSTALL) -e .
	touch $@

.venv/developing: .venv/installed
	$(PIP_INSTALL) -e '.[dev]'
	touch $@

demo: install  ## run the quick suite and print its table
	$(BIN)/pgsuite run quick

test: develop  ## all tests
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: develop
	$(BIN)/mypy

check: lint types test  ## what must be green at every commit

docs: develop  ## the documentation's site, into build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	! grep -rnoE '(src|href)="https?:[^"]*\.(js|css|woff2?)[^"]*"' build/site --include=*.html  # all of it is readable offline

bench: develop  ## training speed beside other libraries, and the statistics, on one core
	taskset -c 0 $(BIN)/python tests/bench/run.py
	taskset -c 0 $(BIN)/python -m pytest tests/bench_statistics.py --benchmark-enable -q -s

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
