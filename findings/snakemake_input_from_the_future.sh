#!/usr/bin/env bash
# snakemake 9.27.1: an input that is dated two minutes ahead costs the job's output, after the job has run.
#
# The job runs to its end. Then Snakemake finds that the output is older than the input, calls the job failed and
# removes the output. Until the clock has passed the date of the input, each further try ends in the same way.
#
# Seen:
#   exit status 1, output: removed
#   after touch: exit status 0, output: there
#
# Why it matters: a file server or another node whose clock is ahead can cost hours of training. `touch` of the input
# mends it.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1
printf 'rule copy:\n    input: "in.txt"\n    output: "out.txt"\n    shell: "cp {input} {output}"\n' > Snakefile
echo data > in.txt
state() { if [ -e out.txt ]; then echo there; else echo removed; fi; }
touch -d '+2 minutes' in.txt
status=0; env/bin/snakemake --cores 1 > log 2>&1 || status=$?
first="$status $(state)"; echo "exit status $status, output: $(state)"
touch in.txt
status=0; env/bin/snakemake --cores 1 > log 2>&1 || status=$?
echo "after touch: exit status $status, output: $(state)"
[ "$first" = "1 removed" ] && [ "$status $(state)" = "0 there" ]
