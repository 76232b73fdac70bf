# Included by the Makefile.
.PHONY: test-year

test-year: ## Run a year of weeks and months over a generated history (SEED=2 another one, PLOT=docs/img/year.png draws it)
	@$(LOCAL) venv test
	YEAR_SEED="$(SEED)" YEAR_PLOT="$(PLOT)" $(IN_TEST) pytest tests/year
