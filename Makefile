# make demo   the main job end to end on an embedded Postgres
# make test   the whole test suite
# make up     Airflow with its web UI, in the state that the demo left; make down stops it
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
export PYTHONPATH := $(CURDIR)/include:$(CURDIR)

# requirements*.txt name every package with its hash, so nothing needs resolving (--no-deps).
# Paths are quoted: that of uv, of Python and of this folder may hold blanks.
ifdef UV
with_pip =
installer = '$(UV)' pip install --python $(BIN)/python
else
# A .venv that uv made has no pip.
with_pip = $(BIN)/python -c 'import pip' 2>/dev/null || $(BIN)/python -m ensurepip >/dev/null
installer = $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
endif
install = $(BIN)/python -m local.heartbeat $(1) $(installer) --no-deps --require-hashes

# Python 3.12 counts lines at next to no cost; 3.11 takes two thirds more time for the whole suite: COVERAGE=yes there.
coverage = $(shell $(BIN)/python -c 'import sys; print("--cov --cov-report=term" if "$(COVERAGE)" or sys.version_info >= (3, 12) else "")')
test: export COVERAGE_CORE = $(shell $(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')

.PHONY: help demo history take-back test test-slow lint bench bench-detection bench-throughput bench-bi bench-duplicates bench-sensitivity up down airflow dsn psql contract docs migrate lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-16s %s\n", $$1, $$2}'

demo: $(VENV)/installed ## the main job end to end, on made-up invoices
	@$(BIN)/python -m local.demo

history: $(VENV)/installed ## load a history, night by night: make history FROM=file [BY=date_field] [TRAIN=yes]
	@$(BIN)/python -m local.history "$${FROM:-}" --by "$${BY:-}" --train "$${TRAIN:-}"

test: $(VENV)/installed-dev lint ## linters and the test suite, without the slow tests
	@$(BIN)/python -m pytest $(coverage) -n $$(n=$$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN); echo $$((n < 4 ? n : 4))) --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/installed-dev ## the slow tests: 60 nights through the real scheduler, tasks killed at every step
	@$(BIN)/python -m pytest -m slow -s

take-back: $(VENV)/installed ## take a night out of the tables again: make take-back NIGHT=2026-11-04 WHY="..."
	@$(BIN)/python -m local.take_back "$${NIGHT:-}" "$${WHY:-}"

lint: $(VENV)/installed-dev ## linters and types only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: bench-detection bench-throughput ## every benchmark that needs nothing but this machine

bench-throughput: $(VENV)/installed-dev ## what nights of up to a million invoices cost, stage by stage; ARGS="--help" tells more
	@$(BIN)/python -W ignore -m benchmarks.throughput $(ARGS)

bench-detection: $(VENV)/installed-dev ## detection beside its peers, on planted anomalies; ARGS="--help" tells more
	@$(BIN)/python -W ignore -m benchmarks.detection $(ARGS)

bench-duplicates: $(VENV)/installed-dev ## the check for duplicates beside splink and a rule; ARGS="--help" tells more
	@$(BIN)/python -W ignore -m benchmarks.duplicates $(ARGS)

bench-sensitivity: $(VENV)/installed-dev ## what each constant of detection does, halved and doubled (an hour); ARGS="--help" tells more
	@$(BIN)/python -W ignore -m benchmarks.sensitivity $(ARGS)

bench-bi: $(VENV)/installed-dev ## what dashboards ask, on 5 million scored invoices; ARGS="--help" tells more
	@$(BIN)/python -m benchmarks.bi_views $(ARGS)

up: $(VENV)/installed ## Airflow with its web UI on the embedded Postgres
	@$(BIN)/python -m local.deployment up

down: $(VENV)/installed ## stop Airflow and the embedded Postgres
	@$(BIN)/python -m local.deployment down

airflow: $(VENV)/installed ## the airflow command in this deployment: make airflow ARGS="dags list"
	@$(BIN)/python -m local.deployment airflow $(ARGS)

contract: $(VENV)/installed ## check the data contract, and try it on tonight's extract or on FILE=...
	@$(BIN)/python -W ignore -m invoice_anomalies.contract $(if $(or $(FILE),$(EXTRACT)),--extract "$(or $(FILE),$(EXTRACT))")

docs: $(VENV)/installed-dev ## the contract's reference, the data dictionary, and from docs/ the site in site/
	@$(BIN)/python -m invoice_anomalies.contract.reference
	@$(BIN)/python -m local.dictionary
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

migrate: $(VENV)/installed ## bring the database of AIRFLOW_CONN_INVOICES_DB up to date, as its owner
	@$(BIN)/python -m invoice_anomalies.warehouse

dsn: $(VENV)/installed ## address of the invoices database
	@$(BIN)/python -m local.deployment dsn

psql: $(VENV)/installed ## a psql session in the invoices database
	@$(BIN)/python -m local.deployment psql

lock: ## pin what requirements*.in name (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

clean: ## stop everything and delete var/: the demo's database, models and mails
	@test ! -x $(BIN)/python || env -u INVOICES_HOME $(BIN)/python -m local.deployment clean
	rm -rf var site .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@'$(PYTHON)' -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "This needs Python 3.11 to 3.13 and $(PYTHON) is %d.%d: name another, e.g. make PYTHON=python3.12 demo" % sys.version_info[:2])'
ifdef UV
	@'$(UV)' venv -q --python '$(PYTHON)' $(VENV)
else
	@'$(PYTHON)' -m local.heartbeat "Making $(VENV)" '$(PYTHON)' -m venv $(VENV)
endif

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@$(with_pip)
	@$(call install,"Installing the packages of requirements.txt into $(VENV) (about 2 minutes, once)") -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@$(with_pip)
	@$(call install,"Installing the packages of requirements-dev.txt") -r requirements-dev.txt
	@touch $@
