# Included by the Makefile.
.PHONY: test-browser

test-browser: ## Test the pages in a real Chromium (Debian: apt install chromium; else CHROMIUM=/path/to/it)
	@$(LOCAL) venv test
	$(IN_TEST) pytest tests/browser
