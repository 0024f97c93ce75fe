# From GAN to Wasserstein GAN, executed: `make` alone lists what can be made. All that is needed is Python 3.11+.

PYTHON ?= python3
# Lessons and tests are small: one thread each is faster than two on a busy machine. `make test OMP_NUM_THREADS=4` for more.
export OMP_NUM_THREADS ?= 1
export PYTHONUTF8 := 1
# Compiled modules are kept, whatever a machine is set to: a test run starts some sixty processes that import gantut.
export PYTHONDONTWRITEBYTECODE :=

# So many test files and lessons run at a time, each on threads of its own; lessons first, as they take longest.
WORKERS ?= 2
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
  --nbval --nbval-current-env --nbval-cell-timeout=300

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
PIP   := $(BIN)/python -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help book notebooks pdf pdf-students links test test-all bench gpu lint clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(READY)  ## build the site, and say where to open it
	@$(BIN)/python book/tools/notebooks.py --check || echo 'Shown are the outputs of before; `make notebooks` makes them anew.'
	@$(BIN)/python book/tools/pages.py

notebooks: $(READY)  ## execute the lessons whose text or code changed
	@$(BIN)/python book/tools/notebooks.py

test: $(READY)  ## check style, every module, every output of every lesson, and the pages, in some twenty minutes
	@failed=0; set -x; \
	$(BIN)/ruff check . || failed=1; \
	$(PYTEST) -m 'not slow' book tests || failed=1; \
	{ set +x; } 2>/dev/null; exit $$failed

test-all: $(READY)  ## the same, with what takes long and guards against what is rare
	@failed=0; set -x; \
	$(BIN)/ruff check . || failed=1; \
	$(PYTEST) --hypothesis-profile=nightly book tests || failed=1; \
	{ set +x; } 2>/dev/null; exit $$failed

pdf: $(READY)  ## print the whole book into one file (needs Chromium)
	@$(BIN)/python book/tools/pdf.py

pdf-students: $(READY)  ## the same to hand out: without hints, solutions and the pages for teachers
	@$(BIN)/python book/tools/pdf.py --students --output _build/gantut-students.pdf

links: $(READY)  ## ask whether the addresses that the book links to still answer (needs a network)
	@$(BIN)/python book/tools/links.py

bench: $(READY)  ## time gantut beside its peers, and record it in book/results
	$(PIP) geomloss==0.3.1 ott-jax==0.6.0 jax==0.10.2 mdot-tnt==1.0.0
	$(BIN)/python tests/bench_transport.py
	$(BIN)/python tests/bench_training.py
	$(BIN)/python tests/bench_images.py

gpu:  ## on a machine with a GPU, with the Python that it has: tests, benches, lessons, experiments, in ten minutes
	$(or $(wildcard $(BIN)/python),$(PYTHON)) tests/gpu.py --out gpu-results

lint: $(READY)  ## check style, and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format book gantut tests

clean:  ## remove all that was made here, but for the notebooks
	rm -rf $(VENV) _build book/api dist .pytest_cache .ruff_cache .hypothesis

# ---- Behind these -----------------------------------------------------------------------------------------

# The environment, made anew when a pin changes.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'This needs Python 3.11 or newer, and "$(PYTHON)" is not; name another: make PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo '"$(PYTHON)" has no venv module; install it first (on Debian and Ubuntu: apt install python3-venv)' >&2; exit 1; }
	@echo 'Setting up $(VENV): a minute or two from a warm package cache, longer where PyTorch must come first ...'
	@$(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^torch==' requirements.txt)
	$(PIP) -r requirements.txt
	$(PIP) --no-build-isolation --no-deps --editable .
	@$(BIN)/python -c 'import matplotlib.font_manager'  # lists the fonts once, so that no lesson has to
	@touch $@
