# make all: the chosen experiment, end to end. make test: the tests. make bench: the speed. All make .venv from the lock on first use.
PYTHON ?= python3
# The cores that this process may use: affinity, control group, allocation of a scheduler.
CORES ?= $(shell "$(PYTHON)" workflow_scripts/epochwise/workflow/cores.py)
EXPERIMENT ?= $(shell sed -n 's/^experiment: *["'\'']\{0,1\}\([A-Za-z0-9_.-]\{1,\}\).*/\1/p' config.yaml)
VENV := .venv
SLURM := $(VENV)/slurm
READY := $(VENV)/.ready
SNAKEMAKE := $(VENV)/bin/snakemake
CHOSEN = $(if $(EXPERIMENT),--config experiment=$(EXPERIMENT))

.PHONY: all report archive named verify test slurm bench chaos lint format docs lock clean

all: $(READY)
	$(SNAKEMAKE) --cores $(CORES) all $(CHOSEN)

# The companion people open: results/<experiment>/report.html.
report: named all
	$(SNAKEMAKE) --report results/$(EXPERIMENT)/report.html all $(CHOSEN)

# All that a reviewer needs in one file: results/<experiment>/archive.zip.
archive: named $(READY)
	$(SNAKEMAKE) --cores $(CORES) results/$(EXPERIMENT)/archive.zip $(CHOSEN)

# A report and an archive are those of one experiment.
named:
	@test -n "$(EXPERIMENT)" || { echo "config.yaml names no single experiment; say which: make EXPERIMENT=digits $(MAKECMDGOALS)"; exit 2; }

# Are the results still what the records of the jobs say?
verify: $(READY)
	PYTHONPATH=workflow_scripts $(VENV)/bin/python -m epochwise.workflow.verify results

test: $(READY)
	$(VENV)/bin/python -m pytest -n $(CORES) --dist worksteal

# The tests on a real cluster of one node, which root starts in a temporary folder. The SLURM executor lies apart for them:
# in .venv it would hold up each start of Snakemake wherever SLURM's client is installed without a cluster.
slurm: $(SLURM)
	PYTHONPATH="$(CURDIR)/$(SLURM)" $(VENV)/bin/python -m pytest tests/slurm

$(SLURM): $(READY) pyproject.toml
	$(VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["slurm"])' \
		| xargs $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $@
	touch $@

# Speed of training and extraction against the least they can cost; QUICK=1: one table, within a minute.
bench: $(READY)
	$(VENV)/bin/python benchmarks/bench.py $(if $(QUICK),--quick)

# The fault suite at length: fifty kills at random moments, of jobs, of Snakemake, of everything.
chaos: $(READY)
	EPOCHWISE_KILLS=50 $(VENV)/bin/python -m pytest tests/workflow/faults

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile rules
	$(SNAKEMAKE) --lint

format: $(READY)
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/snakefmt Snakefile rules

# The configuration reference, and the pictures and the claims table of the README from a finished run of digits.
docs: EXPERIMENT := digits
docs: all
	$(VENV)/bin/python docs/update.py results/digits
	$(SNAKEMAKE) --rulegraph dot all | $(VENV)/bin/python docs/rule_graph.py docs/figures/rule_graph.png

# A new lock from pyproject.toml. A local build tag such as +cpu is dropped, so that every machine takes its own build.
lock: $(READY)
	$(VENV)/bin/pip-compile --quiet --upgrade --extra dev --strip-extras --allow-unsafe --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	sed -i.orig 's/+cpu$$//' requirements.lock && rm requirements.lock.orig

$(READY): requirements.lock
	@"$(PYTHON)" envs/supported.py
	"$(PYTHON)" -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	touch $@

# Not results/, nor .snakemake: it tells what the results were made from.
clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
