# Needs only Python 3.11+, git and make. PYTHON=python3.12 make run chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin
SPEED ?=
PORT ?= 8000

.PHONY: run live install test check test-postgresql lock demo-reset clean fuzz audit chaos

run: install
	@$(BIN)/fengsui run --profile demo --port $(PORT) $(if $(SPEED),--speed $(SPEED))

live: install
	@$(BIN)/fengsui run --profile live --port $(PORT)

demo-reset: install
	@$(BIN)/fengsui demo-reset

install: .venv/installed

.venv/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fengsui needs Python 3.11 or newer; say PYTHON=/path/to/python3.11 make $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing pinned requirements (first time only) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@$(BIN)/python -m deploy.slim
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Compiled modules are kept whatever the environment says: without them each of the test processes, and each command
# that a test starts, compiles all it loads. The first collecting makes them while mypy, which uses one core, runs.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p build
	@$(BIN)/pytest --collect-only > build/collected.txt 2>&1 & collecting=$$!; echo $(BIN)/mypy .; $(BIN)/mypy . || exit 1; \
		wait $$collecting || { cat build/collected.txt; exit 1; }
	$(BIN)/pytest -n 5 --dist loadfile --no-loadscope-reorder

check: test

# Every test that asks for a store or a desk, on a real PostgreSQL instead of SQLite; those that kill whole systems have SQLite's.
test-postgresql: .venv/installed-dev
	$(BIN)/pytest -n 4 --dist loadfile --store=postgresql $$(grep -lE '\bstore: Store\b|make_services' tests/test_*.py | grep -vE 'kill|outage|test_run|browser')

# Looks for inputs that break a reader: SECONDS for each of ten; guided by coverage where there is a wheel of atheris.
# Then for requests that break the API or its description, as five kinds of caller: EXAMPLES of each operation.
SECONDS ?= 60
EXAMPLES ?= 50
fuzz: .venv/installed-dev
	-@$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris==3.0.0
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)
	$(BIN)/python -m tests.fuzz.api --examples $(EXAMPLES)

# Kills the processes of one whole system again and again; SEED=n repeats what was seen.
RUNS ?= 200
SEED ?=
chaos: .venv/installed-dev
	$(BIN)/python -m tests.chaos --runs $(RUNS) $(if $(SEED),--seed $(SEED))

# What we are made of and under which licences (build/sbom.json), then what is known of holes in it; the latter asks the
# index for each package and says so where nobody answers.
audit: .venv/installed
	@mkdir -p build
	$(BIN)/python -m deploy.sbom > build/sbom.json
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/pip install --quiet pip-audit; } || true
	@if [ -x build/audit/bin/pip-audit ]; then build/audit/bin/python -m deploy.audit; else echo "skipped, not audited: pip-audit cannot be installed" >&2; fi

# After a change of requirements*.in: resolve anew and pin what was resolved.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet -r requirements.in && build/lock/bin/pip freeze > requirements.txt
	build/lock/bin/pip install --quiet -r requirements-dev.in && build/lock/bin/pip freeze > build/all.txt
	{ echo "-r requirements.txt"; grep -vxFf requirements.txt build/all.txt; } > requirements-dev.txt

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache *.egg-info
