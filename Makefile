# Needs python3 (3.11 or later), make and a package registry; everything else comes into .venv and .parts.
#
#   make demo  [ARGS=--exit]               an example cooperative, from reservation to settled month
#   make test  [ARGS="-k booking"]         lint, types, import contracts and all tests, on the real parts
#              [ARGS=--cov]                which branches they take, in half as much time again
#   make screens                           a picture of every page, with an index, in .artifacts/album
#   make bench [ONLY=name] [ARGS=--quick]  one JSON line for each promise
#   make lock                              renew both lock files
#   make clean                             remove what was built and fetched

PYTHON ?= python3
# Test processes at once: tests wait more than they compute.
WORKERS ?= 3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml
PAGES := $(wildcard dashboards/web/*.json dashboards/web/*.py dashboards/web/src/* dashboards/web/src/parts/* dashboards/static/*.css)

.PHONY: demo test screens bench lock clean
.DELETE_ON_ERROR:

demo: .venv/installed
	@$(BIN)/moyai demo $(ARGS)

test: .venv/installed-for-tests
	@$(BIN)/python -m tests.parts
	@echo "Lint, types, import contracts ..."
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

screens: .venv/installed-for-tests
	@$(BIN)/python -m tests.parts
	@$(BIN)/python -m tests.journeys.album

bench: .venv/installed-for-tests
	@$(BIN)/python -m tests.parts
	@set -e; for program in $(if $(ONLY),bench/$(ONLY).py,$(wildcard bench/[a-z]*.py)); do \
		echo "== $$program"; $(BIN)/python "$$program" $(ARGS); done

lock: .venv/installed
	@$(PIP) install uv
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv .parts .artifacts dashboards/static/dist dashboards/web/node_modules \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

.venv/created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Moyai needs Python 3.11 or later (set PYTHON=)")'
	@echo "Creating .venv ..."
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/created requirements.lock pyproject.toml $(PAGES)
	@echo "Installing Moyai and building its pages ..."
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

.venv/installed-for-tests: .venv/installed requirements-dev.lock
	@echo "Installing the tests' tools ..."
	@$(PIP) install -r requirements-dev.lock
	@touch $@
