# Everything a person or CI runs. `make help` lists the targets; GNU make 3.81 (macOS) is enough.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo local-up local-down local-ps local-logs psql env airflow backtest campaign monitor promote rollback hold unhold seed replay-rejects data clean test lint locks

# The first interpreter of a supported version; PYTHON=/path/to/python names another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 && \
	{ command -v "$$python"; break; }; done)
LOCAL = "$(or $(PYTHON),$(error no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python))" -m local
IN_TEST = .local/venv/test/bin/python -m
TESTS ?= tests/unit tests/integration
# For commands that work with either stack: use the containers if they run and the local stack does not.
either = if ! $(LOCAL) runs && [ -n "$$($(COMPOSE) ps -q 2>/dev/null)" ]; then $(2); else $(1); fi
# Each test file runs in one process, because its tests share servers; three run on two cores, because they often wait.
BY_FILE = --dist loadfile --no-loadscope-reorder

-include docker/compose.mk tests/browser/browser.mk tests/spark/spark.mk tests/year/year.mk

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

demo: ## Start everything without Docker and replay history through the DAGs
	@$(LOCAL) demo

local-up: ## Start the services of the local stack that do not run
	@$(LOCAL) up

local-down: ## Stop the local stack; its data are kept
	@$(LOCAL) down

local-ps: ## Show state, process, port and memory of the local services
	@$(LOCAL) ps

local-logs: ## Show the local services' logs (SERVICE=name LINES=30 FOLLOW=1)
	@$(LOCAL) logs "$(SERVICE)" -n $(or $(LINES),30) $(if $(FOLLOW),-F)

psql: ## Open psql on the pipeline's database (ARGS="-c 'select 1'")
	@$(call either,$(LOCAL) psql $(ARGS),$(COMPOSE) exec postgres \
		sh -c 'exec psql -U "$$POSTGRES_USER" -d "$$POSTGRES_DB" "$$@"' psql $(ARGS))

env: ## Print connection variables: eval "$(make -s env)"
	@$(LOCAL) env

airflow: ## Run the airflow command (ARGS="dags test churn_train_register_m 2019-05-31")
	@$(call either,$(LOCAL) airflow $(ARGS),$(COMPOSE) exec airflow-webserver airflow $(ARGS))

backtest: ## Train on what was known on each closed Sunday and measure on it (ARGS="--lookback-weeks 8")
	@$(call either,$(LOCAL) ml backtest $(ARGS),$(COMPOSE) exec airflow-scheduler \
		sh -c 'exec "$$ML_PYTHON" -m ml.backtest "$$@"' backtest $(ARGS))

monitor: ## Look at realized churn, drift, data and runs of a snapshot (ARGS="--snapshot-date 2019-06-30")
	@$(call either,$(LOCAL) ml monitor $(ARGS),$(COMPOSE) exec airflow-scheduler \
		sh -c 'exec "$$ML_PYTHON" -m ml.monitor "$$@"' monitor $(ARGS))

campaign: ## Create a campaign, list campaigns, show results, write the file (ARGS="results --name June")
	@$(call either,$(LOCAL) ml campaign $(ARGS),$(COMPOSE) exec streamlit python -m ml.campaign $(ARGS))

# What a person types reaches the command as it is, whatever quotes or dollars are in it: neither make nor the shell reads
# it as code. The person is WHO, else the user.
unexport VERSION WHY WHO
export PROMOTION_VERSION := $(value VERSION)
export PROMOTION_WHY := $(value WHY)
export PROMOTION_WHO := $(value WHO)
by_hand = set -- $(1) --why "$$PROMOTION_WHY" --who "$${PROMOTION_WHO:-$$(id -un)}"; \
	$(call either,$(LOCAL) ml promote "$$@",$(COMPOSE) exec airflow-scheduler \
		sh -c 'exec "$$ML_PYTHON" -m ml.promote "$$@"' promote "$$@")

promote: ## Put a model version into production by hand (VERSION=3 WHY="..." WHO=name)
	@$(call by_hand,--force --version "$$PROMOTION_VERSION")

rollback: ## Withdraw the model in production and bring back the one before (WHY="..." WHO=name)
	@$(call by_hand,--rollback)

hold: ## Stop promotions of the model (WHY="..." WHO=name)
	@$(call by_hand,--hold)

unhold: ## Let promotions of the model go on (WHY="..." WHO=name)
	@$(call by_hand,--unhold)

seed: ## Load the six CSV files and the crypto history into the running stack (FORCE=1 accepts a file that shrank)
	@if $(LOCAL) runs; then $(LOCAL) seed --reload $(if $(FORCE),--force); else $(MAKE) compose-seed; fi

replay-rejects: ## Load the corrected rows of ops.raw_rejects (those with a mended_text)
	@if $(LOCAL) runs; then $(LOCAL) seed --replay-rejects; else $(MAKE) compose-seed REPLAY=1; fi

data: ## Generate the six CSV files and the crypto history (CUSTOMERS=5000 SEED=2019 OUT=. UNTIL=2019-07-01 DAYS=181)
	@$(LOCAL) venv ml
	@.local/venv/ml/bin/python -m sample_data $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(SEED),--seed $(SEED)) \
		$(if $(OUT),--out "$(OUT)") $(if $(UNTIL),--until $(UNTIL)) $(if $(DAYS),--days $(DAYS))

clean: ## Stop the local stack and delete .local (YES=1 does not ask); the CSV files are kept
	@$(LOCAL) clean $(if $(YES),--yes)

lint: ## Check style and types
	@$(LOCAL) venv test
	$(IN_TEST) ruff check .
	$(IN_TEST) ruff format --check .
	$(IN_TEST) mypy local ml sample_data streamlit_app

test: lint ## Check style and types, then run the unit and integration tests
	@$(LOCAL) venv airflow test
	$(IN_TEST) pytest -n 3 $(BY_FILE) $(TESTS)

# Locks cover all platforms, with hashes and without index addresses; the images use the model's versions.
COMPILE = $(LOCAL) uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
WITH_MODEL = --constraint ml/requirements$$line.txt

locks: ## Resolve every requirements.in again into its hashed requirements.txt
	@for stem in local/uv ml/requirements ml/requirements-seed local/requirements tests/requirements \
		docker/airflow/requirements docker/airflow/requirements-seed docker/airflow/build-seed docker/spark/build; do \
		echo "$$stem"; $(COMPILE) $$stem.in -o $$stem.txt || exit; done
	@for line in "" -seed; do echo "docker/*/requirements$$line"; \
		for image in streamlit jupyter; do \
			$(COMPILE) $(WITH_MODEL) docker/$$image/requirements$$line.in -o docker/$$image/requirements$$line.txt || exit; done; \
		$(COMPILE) $(WITH_MODEL) --override docker/mlflow/overrides$$line.txt \
			docker/mlflow/requirements$$line.in -o docker/mlflow/requirements$$line.txt || exit; done
	@line=; echo "ml/requirements-spark"; $(COMPILE) $(WITH_MODEL) ml/requirements-spark.in -o ml/requirements-spark.txt
