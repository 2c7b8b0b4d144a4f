# Two commands: `make up` runs everything on this machine, `make test` checks everything.
# What they install goes into .tools and .venv here.

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
BIN := .venv/bin
unexport VIRTUAL_ENV
# Dozens of processes are started, by the tests above all; who compiles all that each imports waits seconds for it.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS = never

.PHONY: up test check fmt clean bench eval chaos fuzz upgrade pictures

up: .venv/.ready
	@exec $(BIN)/chatserver up $(ARGS)

# Several files of tests at a time (tests/distribution.py), each with servers of its own; where one Redis is given to
# all, one after the other.
test: check
	$(BIN)/python -m pytest -n $(if $(TEST_REDIS_URL),0,auto) --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder $(ARGS)

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.audit

# Figures for people: `make bench` runs every benchmark, `make bench ONLY=ingestion` one of them.
bench: .venv/.ready
	$(BIN)/python -m tests.benchmarks $(ONLY)

# Whole processes killed, stopped, cut off and deployed anew under load; `make chaos ARGS="deploy --seed 7"` for one.
chaos: .venv/.ready
	$(BIN)/python -m tests.chaos $(ARGS)

# A million hostile frames; `make fuzz ARGS="--frames 50000 --seed 7"` for fewer, or the same again.
fuzz: .venv/.ready
	$(BIN)/python -m tests.fuzz $(ARGS)

# Old versions out of the history beside the present one, as in a deploy; `make upgrade ARGS=<commit>` for one of them.
upgrade: .venv/.ready
	$(BIN)/python -m tests.upgrade $(ARGS)

# The pictures in docs/pictures, taken anew of the demo.
pictures: .venv/.ready
	$(BIN)/python -m tests.browser.pictures

eval: .venv/.ready
	$(BIN)/python -m tests.evaluation

fmt: .venv/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .tools .venv .data .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.ready: $(UV) pyproject.toml uv.lock
	$(UV) sync --locked --python $(PYTHON)
	@touch $@

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo 'Python 3.11 or newer is needed: install it, or name one with `make PYTHON=…`.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo 'The venv module is incomplete: install python3-venv.' >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
