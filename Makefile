# Nothing is asked of the machine but git, make and Python >= 3.11.
PYTHON ?= python3
BIN := .venv/bin

WITHOUT ?=
MEASURES ?=
JSON ?=
KILLS ?= 300
MINUTES ?= 10
MAILS ?= 2000
ALERTS ?= 5000
EXAMPLES ?= 500
SEED ?=
ASTERISK ?= var/asterisk

.PHONY: setup run smoke policy test chaos deliveries pages-chaos outages fuzz fuzz-http asterisk bench check lock format
.DEFAULT_GOAL := check

setup: .venv/installed

.venv/installed: requirements/dev.txt requirements/uv.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync -q --no-build --python $(BIN)/python requirements/dev.txt
	@touch $@

run: setup
	@exec $(BIN)/python -m deploy.local run

smoke: setup
	@exec $(BIN)/python -m deploy.local smoke $(if $(WITHOUT),--without $(WITHOUT))

policy: setup
	@exec $(BIN)/python -m deploy.local policy $(if $(filter command line,$(origin MAILS)),--mails $(MAILS)) $(if $(JSON),--json)

test: setup
	$(BIN)/pytest -q

chaos: setup
	@$(BIN)/python -m tests.chaos --kills $(KILLS) $(if $(SEED),--seed $(SEED))

fuzz: setup
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

pages-chaos: setup
	@$(BIN)/python -m tests.chaos.pages --alerts $(ALERTS) --kills $(if $(filter command line,$(origin KILLS)),$(KILLS),200) $(if $(SEED),--seed $(SEED))

outages: setup
	@PRAZO_LONG_OUTAGES=1 $(BIN)/pytest -q tests/stories/test_notifier.py -k away

deliveries: setup
	@$(BIN)/python -m tests.chaos.deliveries --mails $(MAILS) --kills $(if $(filter command line,$(origin KILLS)),$(KILLS),20) $(if $(SEED),--seed $(SEED))

# Asterisk is in no wheel and not in every Debian: a folder of 440 MB holds bullseye's, which needs root and debootstrap.
$(ASTERISK)/usr/sbin/asterisk:
	@if [ "$$(id -u)" = 0 ] && command -v debootstrap >/dev/null; then mkdir -p $(ASTERISK) \
	  && debootstrap --variant=minbase --include=asterisk,sip-tester bullseye $(ASTERISK) >$(ASTERISK).log; \
	  else echo "no Asterisk: debootstrap and root are needed, or ASTERISK=<folder of a Debian that has one>" >&2; fi

asterisk: setup $(ASTERISK)/usr/sbin/asterisk
	@PRAZO_ASTERISK_ROOT=$(ASTERISK) $(BIN)/pytest -q -rs tests/integration/intake/real_asterisk.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

fuzz-http: setup
	@$(BIN)/python -m tests.fuzz_http $(EXAMPLES)

bench: setup
	@$(BIN)/python -m tests.bench $(MEASURES)

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup
	for name in run local dev uv; do $(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --python-version 3.11 requirements/$$name.in -o requirements/$$name.txt; done
