# `make demo` and `make test` are enough to start; each creates its own environment in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo run maintenance doctor test test-fast coverage mutants chaos soak check bench live settings docs pictures requirements update-yt-dlp aarch64 dist clean

# ARGS=--fleet needs PostgreSQL and procrastinate, which are among the development packages.
demo: $(VENV)/$(if $(findstring --fleet,$(ARGS)),dev,demo)
	$(BIN)/python main.py demo $(ARGS)

run: $(VENV)/run
	$(BIN)/python main.py run

# Answers every message with a maintenance notice; the database is not used.
maintenance: $(VENV)/run
	$(BIN)/python main.py maintenance

# Checks everything that a start needs, and reports what is missing.
doctor: $(VENV)/run
	$(BIN)/python main.py doctor

PYTEST := -m pytest

test: $(VENV)/dev
	$(BIN)/python $(PYTEST) $(ARGS)

# Runs the unit tests only: no whole bot, no media files, no PostgreSQL, nothing slow.
test-fast: $(VENV)/dev
	$(BIN)/python -m pytest -m "not e2e and not simulator and not postgres and not slow" $(ARGS)

# Runs all tests with coverage; fails if a file of the bot is tested too little.
coverage: $(VENV)/dev
	rm -rf var/coverage
	mkdir -p var/coverage
	$(MAKE) test PYTEST="-m slipcover -m pytest"
	$(BIN)/python -m tests.coverage_floor

# Changes the code of core/ in many small ways; the tests must notice. Takes some minutes.
mutants: $(VENV)/dev
	$(BIN)/python -m mutmut run
	$(BIN)/python -m tests.mutants

# Kills, freezes and cuts off a running bot, and counts what became of its users' requests.
chaos: $(VENV)/dev
	$(BIN)/python -m tests.chaos $(ARGS)

# Loads a bot lightly for an hour, and prints what it takes; ARGS=--minutes=5 for a short run.
soak: $(VENV)/dev
	$(BIN)/python -m tests.chaos.soak $(ARGS)

check: $(VENV)/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy .
	$(BIN)/python -m tests.audit

bench: $(VENV)/dev
	$(BIN)/python -m benchmarks $(ARGS)

# Reads real posts from their sites (needs the internet): make live ARGS="https://www.tiktok.com/@…/video/…"
live: $(VENV)/run
	$(BIN)/python -m benchmarks.live $(ARGS)

# Writes the generated files: config.ini, and tables, lists and a picture in docs/.
settings: $(VENV)/dev
	$(BIN)/python -m tests.generated

# Makes the documentation's site in var/docs; a link that leads nowhere is an error. No network.
docs: $(VENV)/dev
	rm -rf var/docs
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html -c docs -d var/docs.cache . var/docs
	@echo "Open var/docs/index.html"

# Makes the documentation's pictures of the chat page (needs Chromium); ARGS=slideshow makes one.
pictures: $(VENV)/dev
	$(BIN)/python -m tests.pictures $(ARGS)

# $(1): uv's options that say what is upgraded; all other pins stay. pip with hashes insists on pins
# with the extras that other packages ask for; a file of constraints must have none.
define compile_requirements
	for set in "" attestations demo fleet youtube dev; do \
		$(BIN)/uv pip compile --quiet $(1) --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate $${set:+--no-strip-extras --extra $$set -c requirements.txt} \
			pyproject.toml -o requirements$${set:+-$$set}.txt || exit 1; \
	done
endef

# Upgrades and pins all dependencies, with hashes and without URLs.
requirements: $(VENV)/dev
	$(call compile_requirements,--upgrade)
	$(MAKE) aarch64

# Upgrades and pins yt-dlp alone, then runs the tests of the sites with it.
update-yt-dlp: $(VENV)/dev
	$(call compile_requirements,--upgrade-package yt-dlp --upgrade-package yt-dlp-ejs)
	$(MAKE) aarch64
	$(MAKE) test ARGS="tests/platforms tests/e2e/test_more_sites.py tests/e2e/test_instagram.py"

# Records that every pin has a wheel for 64-bit ARM; fails if one has not (needs the index).
aarch64: $(VENV)/dev
	mkdir -p var
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --format pylock.toml \
		$(foreach set,attestations fleet youtube,--extra $(set) -c requirements-$(set).txt) \
		pyproject.toml -o var/pylock.toml
	$(BIN)/python -m tests.aarch64 var/pylock.toml

# Builds a release in dist/: the wheel, its pins, the bill of materials, the notes, the checksums.
# A list of pins does not say which package needs which; the bill's warning of that is no news.
RELEASE = dist/clipferry-$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
dist: $(VENV)/dev
	rm -rf dist && mkdir dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} \
		$(BIN)/python -m hatchling build --target wheel --directory dist
	cp requirements.txt $(RELEASE)-requirements.txt
	PYTHONWARNINGS=ignore::UserWarning:cyclonedx.model.bom \
		$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-format JSON --output-file $(RELEASE).cdx.json requirements.txt
	$(BIN)/python -m tests.release_notes > $(RELEASE)-notes.md
	cd dist && sha256sum * > SHA256SUMS

# Deletes what the other targets have made. What else is in var/ belongs to a bot: its database, its
# backups, its accounts.
clean:
	rm -rf $(VENV) dist $(addprefix var/,coverage demo docs docs.cache pylock.toml samples screens)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Clipferry needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
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
