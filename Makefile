# wflab: `make lab` to use it, `make test` before a change is handed in. Both set up whatever is missing, and nothing twice.
# A bare Debian with Python 3.11 or newer is enough; Node and Chromium come along (CONTRIBUTING.md says from where).

PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin
# Node may live in the environment, and `python3` must keep meaning the system's while the environment is made
IN_VENV := PATH="$(BIN):$$PATH"

FIRST_TUTORIAL := 01_first_workflow.ipynb

VENV := .venv/stamps/venv
ENVIRONMENT := .venv/stamps/python
NPM := extension/node_modules/.package-lock.json
WIDGET := wflab/static/run.js
LABEXTENSION := wflab/labextension/install.json
WIDGET_SOURCES := $(shell find extension/src -type f 2>/dev/null) extension/build.mjs

.PHONY: help setup lab check test simulate bench compare fix pins clean distclean
.DELETE_ON_ERROR:

help:
	@echo "make lab      JupyterLab on the first tutorial (LAB_ARGS adds arguments)"
	@echo "make check    the quick checks: format, lint, types, imports, unit tests"
	@echo "make test     everything: also faults, notebooks, browser, binder (STAGES=\"unit browser\" runs some)"
	@echo "make simulate simulated runs with crashes and clocks (SEED=7 RUNS=100000; TAPE=... shows one again)"
	@echo "make bench    the benchmarks (BENCH_ARGS, for example --only chain)"
	@echo "make compare  the same work on other durable engines from PyPI, beside wflab (COMPARE_ARGS, for example --only chain)"
	@echo "make fix      format, and mend what the linter can mend"
	@echo "make setup    the environment only: .venv, npm packages, the bundles of JavaScript"
	@echo "make pins     write the environment's versions to tools/constraints.txt"
	@echo "make clean    remove what was built; make distclean removes the environment, too"

setup: $(ENVIRONMENT) $(WIDGET) $(LABEXTENSION)

lab: setup
	$(IN_VENV) jupyter lab notebooks/$(FIRST_TUTORIAL) --LabApp.default_url=/lab/tree/$(FIRST_TUTORIAL) \
		$(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_ARGS)

check: setup
	@$(IN_VENV) python tools/run_tests.py --quick

test: setup
	@$(IN_VENV) python tools/set_up.py chromium
	@$(IN_VENV) python tools/run_tests.py $(STAGES)

simulate: setup
	@$(IN_VENV) python tools/simulate.py $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(if $(TAPE),--tape $(TAPE))

bench: setup
	@$(IN_VENV) python benchmarks/run.py $(BENCH_ARGS)

compare: setup
	@$(IN_VENV) python benchmarks/compare.py $(COMPARE_ARGS)

fix: setup
	$(IN_VENV) ruff check --fix-only --quiet .
	$(IN_VENV) ruff format .

pins: setup
	$(IN_VENV) python tools/pin_versions.py

clean:
	rm -rf wflab/static wflab/labextension extension/build extension/lib reports dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -not -path './.bench/*' -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .bench extension/node_modules

$(VENV):
	@$(PYTHON) tools/set_up.py venv
	@mkdir -p $(@D) && touch $@

$(NPM): $(VENV) extension/package.json extension/package-lock.json
	@$(BIN)/python tools/set_up.py node
	@touch $@

$(WIDGET): $(NPM) $(WIDGET_SOURCES)
	@cd extension && $(IN_VENV) npm run --silent build
	@touch $@

$(LABEXTENSION): $(NPM) $(WIDGET_SOURCES) extension/build_lab.mjs
	@cd extension && $(IN_VENV) npm run --silent build:lab
	@$(BIN)/python tools/set_up.py labextension
	@touch $@

# the bundles come first: an installation without them is refused
$(ENVIRONMENT): $(VENV) pyproject.toml tools/constraints.txt tools/widget_bundle.py | $(WIDGET) $(LABEXTENSION)
	@$(BIN)/python -m pip install --quiet --constraint tools/constraints.txt --editable '.[test]'
	@touch $@
