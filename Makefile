# osupgrade: every target does its own set-up.
PYTHON ?= python3
UPGRADE ?=
BIN := .venv/bin
# On a root Debian or Ubuntu box without an engine, install and start one. OSUPGRADE_INSTALL_ENGINE=no refuses that.
OSUPGRADE_INSTALL_ENGINE ?= yes
export OSUPGRADE_INSTALL_ENGINE
# Container images often set it; then each of the many processes would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup engine rehearse scenarios nightly test unit lint format bench seeds stretches fuzz chaos coverage catalogue revisions hunt trial golden clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

setup: .venv/.made ## the virtual environment, with the osupgrade command in .venv/bin

.venv/.made: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "osupgrade needs Python 3.11 or newer")'
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

engine: setup ## a Docker engine, installed and started if this is a root Debian or Ubuntu box without one
	$(BIN)/python -m osupgrade.lab.install_engine

rehearse: engine ## rehearse the upgrade: UPGRADE=grizzly-icehouse by default, or else what is available here
	$(BIN)/osupgrade rehearse $(if $(UPGRADE),--path $(UPGRADE),--path auto) --scenario default $(ARGS)

scenarios: engine ## every trap in both lanes
	$(BIN)/osupgrade scenarios run $(if $(UPGRADE),--path $(UPGRADE)) $(ARGS)

nightly: engine ## every path on every database with every scenario; ARGS="--shard 1/4" for a part of it
	$(BIN)/osupgrade nightly $(ARGS)

# By file: the tests of a file share one laboratory. Each worker has its own containers, so more than four only queue.
test: engine ## the tests
	$(if $(ARGS),,$(BIN)/python -m tools.test_images)
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

unit: setup ## the inner loop: unit tests without the exhaustive ones; no Docker, under a minute
	$(BIN)/pytest tests/unit -m "not exhaustive" -n auto --dist loadfile $(ARGS)

lint: setup ## ruff, mypy and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff write the code as it wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: engine ## measure, as ratios within one run
	$(BIN)/python -m tools.bench $(ARGS)

seeds: engine ## clouds of 20 seeds under every preflight and invariant: no false alarm; ARGS="--shapes" varies their shape
	$(BIN)/python -m tools.seed_trial $(ARGS)

fuzz: setup ## 2000 damaged files of every kind that is read: each is read or refused
	OSUPGRADE_FUZZ=$${OSUPGRADE_FUZZ:-2000} $(BIN)/pytest tests/unit/fuzz -n auto $(ARGS)

stretches: engine ## 20 random stretches of the chain, each with a cloud and services of its own; ARGS="--first 100"
	$(BIN)/python -m tools.stretches $(ARGS)

chaos: engine ## kills and full disks at random points of rehearsals; ARGS="--points 200 --seed 7"
	$(BIN)/python -m tools.chaos $(ARGS)

coverage: engine ## which migrations the seeded cloud puts to work, table by table
	$(BIN)/python -m tools.seed_coverage $(ARGS)

catalogue: engine ## rebuild the schema catalogue from the pinned tools; ARGS="--path caracal-gazpacho" from packages
	$(BIN)/python -m tools.build_catalogue $(ARGS)

revisions: setup ## which release brings which alembic revision, read from a directory of git mirrors; ARGS=DIR
	$(BIN)/python -m tools.revisions $(ARGS)

hunt: engine ## plant rows that violate what migrations ask, and record what the real tools do
	$(BIN)/python -m tools.hunt $(ARGS)

trial: engine ## hold 220 predictions of collisions against the real tools
	$(BIN)/python -m tools.prediction_trial $(ARGS)

golden: setup ## render the recorded runs again, what users see of them; ARGS="NAME RUN" records another one
	$(BIN)/python -m tools.golden $(ARGS)

clean: setup ## remove what runs left on the engine
	$(BIN)/osupgrade clean
