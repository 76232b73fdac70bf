# Everything a person or CI runs. `make help` lists the targets; GNU make 3.81 (macOS) is enough.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help test lint locks seed

# The first interpreter of a supported version; PYTHON=/path/to/python names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && \
	{ command -v "$$python"; break; }; done)
LOCAL = "$(or $(PYTHON),$(error no Python 3.11, 3.12 or 3.13 found; install one or name it: make PYTHON=/path/to/python))" -m local
IN_TEST = .local/venv/test/bin/python -m
TESTS ?= tests/unit tests/integration

-include docker/compose.mk

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

lint: ## Check style and types
	@$(LOCAL) venv test
	$(IN_TEST) ruff check .
	$(IN_TEST) ruff format --check .
	$(IN_TEST) mypy local ml sample_data airflow/include streamlit_app

test: lint ## Check style and types, then run the unit and integration tests
	@$(LOCAL) venv airflow test
	$(IN_TEST) pytest $(TESTS)

locks: ## Resolve every requirements.in anew into its hashed requirements.txt
	@$(LOCAL) locks
