#!/usr/bin/env bash
# snakemake 9.27.1: half a GPU in --set-resources becomes no GPU, without a word.
#
# A fraction as a plain number is rounded to an integer: 0.5 becomes 0. The same fraction in quotes stays a text, 0.5.
#
# Seen:
#   --set-resources train:gpu=0.5    the job sees gpu=0
#   --set-resources train:gpu='"0.5"'    the job sees gpu=0.5
#
# Why it matters: two jobs that should share a GPU are planned for processors.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check snakemake==9.27.1
printf 'rule train:\n    output: "out.txt"\n    resources: gpu=1\n    shell: "echo gpu={resources.gpu} > {output}"\n' > Snakefile
seen=""
for value in 0.5 '"0.5"'; do
    rm -f out.txt; env/bin/snakemake --cores 1 --set-resources "train:gpu=$value" > log 2>&1
    echo "--set-resources train:gpu=$value    the job sees $(cat out.txt)"
    seen="$seen $(cat out.txt)"
done
[ "$seen" = " gpu=0 gpu=0.5" ]
