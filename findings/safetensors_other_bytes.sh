#!/usr/bin/env bash
# safetensors 0.8.0: the same tensors with the same metadata give other bytes in each process.
#
# The header holds the metadata in the order of a hash table whose seed differs between processes. With four entries,
# eight processes write several different files. The tensors in them are equal.
#
# Seen: 8 processes, 8 different files (the number varies from call to call)
#
# Why it matters: checksums of weights cannot tell whether a run was reproduced. Sort the keys of the header before the
# file is written, or compare tensors.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat > save.py <<'PY'
import hashlib

import numpy
from safetensors.numpy import save

metadata = {"epoch": "1", "seed": "0", "input_mean": "[0.5]", "input_std": "[0.25]"}
print(hashlib.sha256(save({"weight": numpy.arange(6.0)}, metadata)).hexdigest())
PY
for _ in 1 2 3 4 5 6 7 8; do env/bin/python save.py; done | sort -u > sums
echo "8 processes, $(wc -l < sums) different files"
[ "$(wc -l < sums)" -gt 1 ]
