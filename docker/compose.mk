# The stack in containers; included by the Makefile. Settings: .env. See docs/compose.md.
.PHONY: up gateway-ca airflow-init compose-seed down ps logs reset backup restore secrets base-images test-stack test-faults
COMPOSE = docker compose --env-file .env -f docker/docker-compose.yml
WHOLE = $(COMPOSE) --profile gateway --profile spark

up: ## Containers: build and start everything, return when all services are healthy (GATEWAY=1: one door for a team; ENGINE=spark: a cluster)
	@bash docker/up.sh

gateway-ca: ## Containers: write the certificate authority of the gateway into gateway-ca.crt, for browsers to trust
	@$(COMPOSE) --profile gateway exec -T gateway cat /data/pki/authorities/local/root.crt >gateway-ca.crt
	@echo gateway-ca.crt

airflow-init: ## Containers: migrate Airflow's database and set its administrator again
	$(COMPOSE) run --rm airflow-init

compose-seed:
	$(COMPOSE) run --rm $(if $(FORCE),-e SEED_FORCE=1) db-init $(if $(REPLAY),replay,seed)

down: ## Containers: stop them; the data are kept
	$(WHOLE) down

ps: ## Containers: state, health and ports
	@$(WHOLE) ps -a

logs: ## Containers: follow their logs (SERVICE=mlflow for one)
	$(WHOLE) logs -f --tail 200 $(SERVICE)

reset: ## Containers: stop them and delete all their data (asks first; YES=1 does not)
	@[ -n "$(YES)" ] || { printf 'Delete the databases, models, artifacts and logs of this stack? Type yes: '; \
	  read -r answer; [ "$$answer" = yes ]; }
	$(WHOLE) down --volumes --remove-orphans

backup: ## Containers: write databases, artifacts and keys into one archive (FILE=..., default backups/)
	@bash docker/backup.sh "$(FILE)"

restore: ## Containers: replace the current data by a backup (FILE=... names it; asks first; YES=1 does not)
	@YES="$(YES)" bash docker/restore.sh "$(FILE)"

secrets: ## Replace the demo passwords in .env by strong ones
	@sh docker/secrets.sh .env

base-images: ## Containers: make the base images from Debian's packages if no image registry can be reached (root)
	bash docker/base/build.sh

test-stack: ## Containers: build, boot and use the stack, and test its security
	@$(LOCAL) venv test
	$(IN_TEST) pytest tests/stack -m "not every_fault"

test-faults: ## Containers: kill every service in the middle of every DAG
	@$(LOCAL) venv test
	$(IN_TEST) pytest tests/stack -m every_fault
