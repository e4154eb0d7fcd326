#!/usr/bin/env bash
# snakemake 9.27.1: two params that exchange their values do not make a job run again.
#
# Snakemake compares the params of a rule as a set of values without their names. A rule with learning_rate=0.1 and
# weight_decay=0.2 counts as up to date after the two values were exchanged, although its command line differs.
# A change to a value that no param had before is noticed.
#
# Seen:
#   first run: 0.1 0.2
#   exchanged: Nothing to be done (all requested files are present and up to date).
#   other value: reason: Params have changed since last execution
#
# Why it matters: a sweep over two settings can show old results under new names. Put the name into the value, for
# example {"learning_rate":0.1}.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1
cat > Snakefile <<'SMK'
rule train:
    output:
        "out.txt",
    params:
        learning_rate=config["learning_rate"],
        weight_decay=config["weight_decay"],
    shell:
        "echo {params.learning_rate} {params.weight_decay} > {output}"
SMK
run() { env/bin/snakemake --cores 1 "$@" 2>&1; }
run --config learning_rate=0.1 weight_decay=0.2 > /dev/null
echo "first run: $(cat out.txt)"
exchanged=$(run --dry-run --config learning_rate=0.2 weight_decay=0.1)
echo "exchanged: $(grep -o 'Nothing to be done.*' <<< "$exchanged" || echo 'runs again')"
other=$(run --dry-run --config learning_rate=0.3 weight_decay=0.1)
echo "other value: $(grep -o 'reason: Params have changed since last execution' <<< "$other" | head -n 1)"
grep -q 'Nothing to be done' <<< "$exchanged" && grep -q 'Params have changed' <<< "$other"
