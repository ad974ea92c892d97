# `make demo` and `make test` are all one needs; each prepares its own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo run maintenance doctor test check bench live settings requirements clean

demo: $(VENV)/demo
	$(BIN)/python main.py demo $(ARGS)

run: $(VENV)/run
	$(BIN)/python main.py run

# Asks everybody to come back later, while you are at work on the database.
maintenance: $(VENV)/run
	$(BIN)/python main.py maintenance

# Looks at everything that a start needs, and says what is missing.
doctor: $(VENV)/run
	$(BIN)/python main.py check

test: $(VENV)/dev
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy .

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks $(ARGS)

# Asks the real TikTok for the posts you name: make live ARGS="https://www.tiktok.com/@…/video/…"
live: $(VENV)/run
	$(BIN)/python -m benchmarks.live $(ARGS)

# Writes what is generated from declarations: config.ini and the README's tables.
settings: $(VENV)/dev
	$(BIN)/python -m tests.generated

# Pins all dependencies anew, with hashes and without addresses.
requirements: $(VENV)/dev
	$(BIN)/python -m pip install --quiet uv
	for set in "" demo dev; do \
		$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate $${set:+--extra $$set -c requirements.txt} \
			pyproject.toml -o requirements$${set:+-$$set}.txt || exit 1; \
	done

clean:
	rm -rf $(VENV) var

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Clipferry needs Python 3.11 or newer; name one with make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/demo: requirements-demo.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/dev: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
