# Included by the Makefile.
.PHONY: test-browser screenshots

test-browser: ## Test the pages in a real Chromium (Debian: apt install chromium; else CHROMIUM=/path/to/it)
	@$(LOCAL) venv test
	$(IN_TEST) pytest -n 2 $(BY_FILE) tests/browser

screenshots: ## Take the README's pictures of the pages from the running stack (SITE=http://127.0.0.1:8501)
	@$(LOCAL) venv test
	$(IN_TEST) tests.browser.screenshots $(or $(SITE),http://127.0.0.1:8501)
