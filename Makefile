# Each of these does all of its own set-up: a virtual environment, and into it the product.
# They need Python 3.11 or later and make; PostgreSQL comes with the environment.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p))))
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench bench-http test-slow bench-sim clean

demo: $(VENV)/ready
	$(BIN)/springtide demo

test: check
	$(BIN)/pytest -n 4

test-slow: $(VENV)/ready-dev
	$(BIN)/pytest -n 2 -m slow

check: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks.posting

bench-http: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.http

bench-sim: $(VENV)/ready
	$(BIN)/python -m benchmarks.simulation

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	# The generator of clients asks for a typer older than ours, and works with ours.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps 'openapi-python-client>=0.29.1,<0.30'
	touch $@

clean:
	rm -rf $(VENV)
