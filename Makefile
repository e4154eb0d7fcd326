# make all: build the chosen experiment. make test: run the tests. make bench: measure the speed.
# The first call makes .venv from requirements.lock.
PYTHON ?= python3
# The cores that this process may use: affinity, control group, allocation of a scheduler.
CORES ?= $(shell "$(PYTHON)" workflow_scripts/epochwise/workflow/cores.py)
EXPERIMENT ?= $(shell sed -n 's/^experiment: *["'\'']\{0,1\}\([A-Za-z0-9_.-]\{1,\}\).*/\1/p' config.yaml)
VENV := .venv
SLURM := $(VENV)/slurm
READY := $(VENV)/.ready
SNAKEMAKE := $(VENV)/bin/snakemake
CHOSEN = $(if $(EXPERIMENT),--config 'experiment=$(EXPERIMENT)')
# A live view in a terminal, and one line per job elsewhere. LOG=snakemake shows Snakemake's own output.
LOG := epochwise
WATCHED = $(filter epochwise,$(LOG))
BUILD = $(if $(WATCHED),PYTHONPATH="$(CURDIR)/workflow_scripts$${PYTHONPATH:+:$$PYTHONPATH}") $(SNAKEMAKE) \
	$(if $(WATCHED),--logger epochwise) --cores $(CORES)

.PHONY: all report archive named verify test slurm doctor bench first-light chaos lint format docs docs-site lock clean

all: $(READY)
	$(BUILD) all $(CHOSEN)

# Show figures, findings and claims on one page: results/<experiment>/report.html.
report: named all
	$(SNAKEMAKE) --report results/$(EXPERIMENT)/report.html all $(CHOSEN)

# Pack everything that a reviewer needs into one file: results/<experiment>/archive.zip.
archive: named $(READY)
	$(BUILD) results/$(EXPERIMENT)/archive.zip $(CHOSEN)

# Reports and archives need the name of one experiment, because each belongs to one.
named:
	@case '$(EXPERIMENT)' in ''|*[!A-Za-z0-9_.-]*) \
		echo "A report or an archive belongs to one experiment; name it: make EXPERIMENT=mnist $(MAKECMDGOALS)"; exit 2;; esac

# Compare all results with the records that their jobs wrote.
verify: $(READY)
	PYTHONPATH=workflow_scripts $(VENV)/bin/python -m epochwise.workflow.verify results

test: $(READY)
	$(VENV)/bin/python -m pytest -n $(CORES) --dist worksteal

# Run the tests on a real cluster of one node, which starts in a temporary folder and needs root. The SLURM executor is
# installed in its own folder, because in .venv it would slow down every start of Snakemake on a machine that has
# SLURM's client but no cluster.
slurm: $(SLURM)
	PYTHONPATH="$(CURDIR)/$(SLURM)" $(VENV)/bin/python -m pytest tests/slurm

$(SLURM): $(READY) pyproject.toml
	$(VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["slurm"])' \
		| xargs $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $@
	touch $@

# List what this machine has, what the experiment needs (time from rates measured here), and what is missing.
doctor: $(READY)
	@PYTHONPATH=workflow_scripts $(VENV)/bin/python -m epochwise.report.doctor $(EXPERIMENT)

# Compare the speed of training and extraction with the fastest possible. QUICK=1 measures one table within a minute.
bench: $(READY)
	$(VENV)/bin/python benchmarks/bench.py $(if $(QUICK),--quick)

# On a machine with a GPU: check facts, correctness, equal bytes and speed, and write results/first_light.txt.
first-light: $(READY)
	PYTHONPATH="$(CURDIR)" $(VENV)/bin/python benchmarks/first_light.py

# Run the tests of killed jobs for longer: fifty kills of jobs, of Snakemake or of both, at random moments.
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

# Copy the evidence of the finished experiments named in RESULTS into docs/, and update all generated pages. Without
# RESULTS, build the chosen experiment, with the parts that docs/evidence/<experiment>.yaml adds, and use that.
docs: RESULTS ?= results/$(EXPERIMENT)
docs: $(if $(RESULTS),$(READY),named $(READY))
	$(if $(filter results/$(EXPERIMENT),$(RESULTS)),$(BUILD) all $(CHOSEN) \
		$(addprefix --configfile ,$(wildcard docs/evidence/$(EXPERIMENT).yaml)))
	$(VENV)/bin/python docs/update.py $(RESULTS)
	$(VENV)/bin/jupyter execute --inplace docs/notebooks/results.ipynb
	$(VENV)/bin/python docs/screenshots.py results/mnist
	$(SNAKEMAKE) --rulegraph dot all results/mnist/archive.zip --config experiment=mnist \
		'defaults={measures: {stride: 1}, interventions: {stride: 1}, twins: true}' \
		| $(VENV)/bin/python docs/rule_graph.py docs/figures/rule_graph.png

# Build the documentation as a site: docs/_build/html/index.html.
docs-site: $(READY)
	$(VENV)/bin/python -m sphinx --fresh-env --nitpicky --fail-on-warning --keep-going --quiet docs docs/_build/html

# Make requirements.lock from pyproject.toml. Build tags such as +cpu are removed, because machines need different builds.
lock: $(READY)
	$(VENV)/bin/pip-compile --quiet --upgrade --extra dev --strip-extras --allow-unsafe --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.lock pyproject.toml
	sed -i.orig 's/+cpu$$//' requirements.lock && rm requirements.lock.orig

$(READY): requirements.lock
	@"$(PYTHON)" envs/supported.py
	"$(PYTHON)" -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	touch $@

# This keeps results/, and .snakemake, in which Snakemake remembers what the results were made from.
clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
