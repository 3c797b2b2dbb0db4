# Two commands: `make demo` does the main job, `make test` runs the suite. Both set up .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Benchmark data, where it lies beside the project; tests that need it are skipped by name elsewhere.
ifneq ($(wildcard ../shared/data),)
export RETICENT_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test lint docs clean

demo: $(VENV)/.core
	$(BIN)/python examples/affairs.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/write_pages.py --check

docs: $(VENV)/.dev
	$(BIN)/python docs/write_pages.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'

$(VENV)/.core: pyproject.toml | $(VENV)/bin/python
	$(PIP) --constraint constraints.txt --editable .
	touch $@

# torch comes first and by itself: its pinned build is the small one, for processors without a GPU.
$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --constraint constraints.txt torch
	$(PIP) --constraint constraints.txt --editable '.[all]' --group dev
	touch $(VENV)/.core $@

clean:
	rm -rf $(VENV) report.html runs .pytest_cache .mypy_cache .ruff_cache .coverage*
