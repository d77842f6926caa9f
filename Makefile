# Every target is safe to repeat. ARGS goes to the command: make demo ARGS="--full"
PYTHON ?= python3
BENCHES ?= front engine open-loop wins credit wins-cells credit-cells fission
# Two tests more than cores: most of them wait for a part to start, or for a second to pass.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
VENV := .venv/bin

# A container's image often says so. Each worker and each command of a test would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test lint bench

help:
	@echo "make demo    set up, then play a round of the gala: forecast, round, audit, verdict, report"
	@echo "make test    set up, then every test (what .ci/run calls)"
	@echo "make setup   virtual environment, packages and tools, all inside this checkout"
	@echo "make lint    ruff and mypy --strict"
	@echo "make bench   set up with nginx, wrk, vegeta and k6, then the benchmarks"
	@echo "PYTHON=python3.13 chooses the Python, 3.11 or newer; ARGS=... goes to the command"

setup:
	@$(PYTHON) setup/install.py

demo: setup
	@$(VENV)/xiu demo $(ARGS)

# First what can share the machine, then, alone, what owns it. pytest says 5 where there is none of a kind.
test: setup
	@$(VENV)/python -m pytest -n $(WORKERS) --dist worksteal -m "not serial" $(ARGS)
	@$(VENV)/python -m pytest -m serial $(ARGS) || [ $$? -eq 5 ]

lint: setup
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy --strict
	@cd setup && ../$(VENV)/mypy --strict .

bench:
	@$(PYTHON) setup/install.py --bench
	@for bench in $(BENCHES); do $(VENV)/xiu bench $$bench $(ARGS) || exit $$?; done
