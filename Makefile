# One target per habit; `make` alone lists them. Everything runs inside .venv.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CONFIG ?= run/ocs.toml
FUZZ_RUNS ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help run init test test-slow test-interop test-all lint types imports fmt proto proto-check proto-release bench bench-report soak fuzz sim kill build-fast build-plain check hooks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade -c constraints.txt pip
	$(BIN)/python -m pip install --quiet -c constraints.txt --group dev -e .
	@touch $@

init: $(STAMP) ## Create run/ocs.toml and the embedded database with sample data
	@mkdir -p $(dir $(CONFIG))
	@$(BIN)/ocs --config $(CONFIG) init --sample

run: init ## Serve RADIUS and gRPC on loopback with sample data
	@echo
	@echo "Try in a second terminal (Ctrl-C here stops the server; README.md shows more):"
	@echo "  . $(BIN)/activate; export OCS_CONFIG=$(CONFIG)"
	@echo "  ocs call --account alice --to 442079460000 --seconds 95          # over RADIUS"
	@echo "  ocs call --grpc --account alice --to 442079460000 --seconds 95   # over gRPC"
	@echo "  ocs ledger show alice; ocs session list; ocs account list"
	@echo
	@$(BIN)/ocs --config $(CONFIG) serve

test: $(STAMP) ## Run the default test suite
	$(BIN)/python -m pytest -n 2 -m "not slow and not interop"

test-slow: $(STAMP) ## Run the tests that take longer
	$(BIN)/python -m pytest -n 2 -m "slow"

test-interop: $(STAMP) ## Run the tests with real RADIUS and SIP programs (.ci/packages installs them)
	$(BIN)/python -m pytest -n 2 -m "interop"

test-all: $(STAMP) ## Run every test, those that need Debian packages included
	$(BIN)/python -m pytest -n 2

lint: $(STAMP) ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP) ## Check types
	$(BIN)/mypy

imports: $(STAMP) ## Check the layers
	$(BIN)/lint-imports

fmt: $(STAMP) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

proto: $(STAMP) ## Generate the gRPC stubs from proto/
	$(BIN)/python proto/generate.py

proto-check: $(STAMP) ## Lint proto/ and compare it with the last release
	$(BIN)/buf lint proto
	$(BIN)/buf breaking proto --against proto/released.binpb

proto-release: $(STAMP) ## Make proto/ as it is now the last release
	$(BIN)/buf build proto --exclude-source-info -o proto/released.binpb

fuzz: $(STAMP) ## Throw 1,000,000 damaged packets at the RADIUS front end, then as many that coverage chooses
	PYTHONPATH=.:tests $(BIN)/python tests/fuzz/fuzz_radius.py $(FUZZ_RUNS)
	-@$(BIN)/python -m pip install --quiet -c constraints.txt --group fuzz
	@if $(BIN)/python -c 'import atheris' 2>/dev/null; then \
	  PYTHONPATH=.:tests $(BIN)/python tests/fuzz/fuzz_radius_coverage.py run/fuzz -runs=$(FUZZ_RUNS) \
	    -max_len=1500 -artifact_prefix=run/fuzz/; \
	else echo "atheris does not install here: coverage guides nothing"; fi

bench: $(STAMP) ## Measure throughput and latency on this machine
	$(BIN)/python benchmarks/load.py

bench-report: $(STAMP) ## Measure everything and write docs/performance.md with its plots
	$(BIN)/python benchmarks/report.py

soak: $(STAMP) ## Load for half an hour and watch memory and latency
	$(BIN)/python benchmarks/soak.py

sim: $(STAMP) ## Simulate 1,000 seeds of trouble; SEED=n repeats one, PLANT=name (or all) plants a bug
	$(BIN)/python tests/simulation/run.py $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PLANT),--plant $(PLANT))

kill: $(STAMP) ## Kill a loaded server 30 times and hold its books against its answers; SEED=n, ROUNDS=n
	$(BIN)/python tests/kill.py $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS))

build-fast: $(STAMP) build-plain ## Compile the hot path, in place: the same source, faster (some 3 minutes)
	$(BIN)/python build_fast.py

build-plain: ## Remove what build-fast compiled
	find ocs -name "*.so" -delete
	rm -rf build ocs_fast__mypyc.*.so

check: lint types imports proto-check test ## Everything a commit must pass

hooks: $(STAMP) ## Install the pre-commit hooks
	$(BIN)/pre-commit install

clean: ## Remove everything that was made
	rm -rf $(VENV) run dist build .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
