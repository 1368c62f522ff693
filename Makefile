# `make` lists the commands. CI uses the same words. What each one runs stands in the README.
.DEFAULT_GOAL := help
.PHONY: help setup site test test-long course lint fix notebooks zip publish proto lock bench clean

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest
# The tests of one file share servers and a browser: they run in one process, and the files are shared out.
SPREAD := -p xdist -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
# Both announce the end of MkDocs 1 at every build; the site page of the documentation says what we do about it.
export NO_MKDOCS_2_WARNING := 1
export DISABLE_MKDOCS_2_WARNING := true

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv and install everything (done by the others when needed)
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "setup: no '$(PYTHON)' on the PATH; install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) src/journal/bootstrap.py

site: setup ## build the site and serve it on this machine (PORT=8000; PROOFS=0 runs no proofs)
	@$(BIN)/journal site $(if $(PORT),--port $(PORT)) $(if $(filter 0,$(PROOFS)),--no-proofs)

test: setup lint ## what a contributor runs before a commit, on all cores
	$(PYTEST) -m "not long" $(SPREAD) --durations 20 --timeout 600 --timeout-method thread

test-long: setup ## fault runs, cluster, other Pythons, mutation, seed sweeps, Firefox; LONG_SCALE=0.1 for a tenth
	@# Both parts run, whatever the first finds: one run of CI is to show all that is wrong.
	status=0; \
	$(PYTEST) -m "long and not alone" $(SPREAD) --durations 0 --timeout 1500 --timeout-method thread || status=1; \
	$(PYTEST) -m "long and alone" --durations 0 --timeout 1500 --timeout-method thread || status=1; \
	exit $$status

course: setup ## grade the exercises' graders: stubs red, solutions green, wrong solutions caught
	$(BIN)/journal course

lint: setup ## style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup ## format, and fix what ruff can fix safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

notebooks: setup ## run every notebook from top to bottom
	$(PYTEST) tests/journal/test_notebooks.py

publish: setup ## make a folder for any static host (TO=build/public)
	$(BIN)/journal publish $(or $(TO),build/public)

zip: setup ## make a copy of the site that opens from disk
	$(BIN)/journal zip

proto: setup ## generate the gRPC code again after a change to jobqueue.proto
	$(BIN)/python -m grpc_tools.protoc -Isrc --python_out=src --grpc_python_out=src --pyi_out=src src/jobqueue/entrypoints/proto/jobqueue.proto

bench: setup ## measure the job queue beside its peers (about ten minutes, wants a quiet machine)
	$(BIN)/python -m tests.bench

lock: setup ## pin the dependencies of pyproject.toml again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
	  --extra embedded --extra uvloop --extra otlp --extra journal --extra site --extra dev --output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
	  --no-deps --no-annotate --group zensical --output-file requirements-zensical.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet \
	  --no-deps --no-annotate --group kubernetes --output-file requirements-kubernetes.txt

clean: ## remove what was built; .venv, history and your work stay
	rm -rf build dist site .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
