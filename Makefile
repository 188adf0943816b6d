# Two commands matter: `make run` and `make test`. Each sets up all that it needs.
.DEFAULT_GOAL := help
PY := .venv/bin/python
SITE ?= site
# The tests start hundreds of short processes: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test soak check format lock bench clean

help:
	@echo "make run     set up, start the sample site, let a real call walk through it, stay up for your softphone"
	@echo "make test    set up and run every check and test"
	@echo "make soak    1,000 calls over twenty phones, good and bad ones; judged by the phones' own logs"
	@echo "make bench   measure against the peers, in one Asterisk (also: .venv/bin/hotline bench)"
	@echo "make check   format, lint, types, import rules only"

setup:
	@hotline/bootstrap
	@asterisk/bring .cache/asterisk

run: setup
	@.venv/bin/hotline demo --site $(SITE)

test: setup check
	@tests/bring .cache/tests
	@$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

soak: setup
	@HOTLINE_SOAK_CALLS=$${HOTLINE_SOAK_CALLS:-1000} $(PY) -m pytest tests/asterisk/test_live_soak.py

check: setup
	@$(PY) -m ruff format --check --quiet .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache > .cache/lint-imports.log 2>&1 || { cat .cache/lint-imports.log; exit 1; }

format: setup
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

lock:
	@.cache/uv/bin/uv pip compile --universal --generate-hashes --no-header --extra dev pyproject.toml -o requirements.lock --upgrade --quiet

bench: setup
	@.venv/bin/hotline bench

clean:
	rm -rf .venv .cache
