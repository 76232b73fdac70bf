# Included by the Makefile.
.PHONY: test-spark

test-spark: ## Compare ENGINE=spark with PostgreSQL, on one machine (needs Java 17 or later)
	@$(LOCAL) venv test spark
	$(IN_TEST) pytest tests/spark
