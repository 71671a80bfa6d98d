# Every target makes .venv itself and works from a clean clone. PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3.11
PYTHON := $(or $(shell command -v $(PYTHON) 2>/dev/null),python3)
BIN := .venv/bin

.PHONY: install demo test check lint types bench clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: install  ## run the quick suite and print its table
	$(BIN)/pgsuite run quick

test: install  ## all tests
	$(BIN)/python -m pytest -q -n auto

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

check: lint types test  ## what must be green at every commit

bench: install  ## training speed beside other libraries, and the statistics, on one core
	taskset -c 0 $(BIN)/python -m pytest tests/bench_speed.py tests/bench_statistics.py --benchmark-enable -q -s

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
