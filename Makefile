PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: plan test check lint kernels format clean lock

plan: $(STAMP)  ## plan the bundled quarterly example
	$(BIN)/fleetplan plan examples/quarterly/request.yaml --out build/quarterly

test: $(STAMP)  ## lint, types and tests
	$(MAKE) --jobs 2 lint kernels
	$(BIN)/pytest -n 2

lint: $(STAMP)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

kernels: $(STAMP)  ## compile the passes over the hours ahead
	$(BIN)/python -m planner.recourse.compiling

check: test

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)  ## compile constraints.txt anew: names and versions only
	$(BIN)/pip freeze --exclude-editable > constraints.txt

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	touch $(STAMP)

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
