# `make burgers` and `make test` need Python 3.11, 3.12 or 3.13, pip and nothing else.
PYTHON ?= python3
SEEDS ?= 3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE ?= 1

.PHONY: burgers reproduce test test-slow coverage lint types check lock clean

burgers: .venv/ready  ## solve Burgers' equation with Adam and L-BFGS, and show the error
	$(BIN)/pinn run experiment=burgers

reproduce: .venv/ready  ## run all experiments that are not finished, over SEEDS seeds, and rewrite experiments/ledger.md
	$(BIN)/pinn reproduce --all --seeds $(SEEDS)

test: .venv/ready-dev  ## the quick suite
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not slow and not alone"
	$(BIN)/python -m pytest -m "alone and not slow"

test-slow: .venv/ready-dev  ## the long solves
	$(BIN)/python -m pytest -m slow

coverage: .venv/ready-dev  ## the quick suite, with the lines of `pinn` that it runs
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m "not slow and not alone" \
		--cov --cov-report=term --cov-report=xml

lint: .venv/ready-dev  ## format, style and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: .venv/ready-dev  ## annotations
	$(BIN)/pyright

check: lint types test

lock: .venv/ready-dev  ## resolve the dependencies anew
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
		--group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:
	rm -rf .venv

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "pinn needs Python 3.11, 3.12 or 3.13; name it, as in: make PYTHON=/usr/bin/python3.12 burgers"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@
