#!/usr/bin/env bash
# statsmodels 0.15.0: multipletests counts a missing p value as a test with Holm, and loses all others with FDR.
#
# Three p values, of which one is NaN: the Holm correction multiplies the smallest by 3, as if three tests had been made.
# Without the NaN it multiplies by 2. The Benjamini-Hochberg correction returns NaN for all three.
#
# Seen:
#   holm    [0.03  nan 0.08]    without the NaN [0.02 0.04]
#   fdr_bh    [nan nan nan]    without the NaN [0.02 0.04]
#
# Why it matters: a claim without enough seeds has no p value, and then weakens or deletes the verdicts on the others.
# Remove missing values first.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check statsmodels==0.15.0 numpy==2.4.6 scipy==1.17.1
cat > holm.py <<'PY'
import numpy
from statsmodels.stats.multitest import multipletests

found = {}
for method in ("holm", "fdr_bh"):
    with_nan, without = (multipletests(p, method=method)[1] for p in ([0.01, numpy.nan, 0.04], [0.01, 0.04]))
    print(f"{method}    {with_nan}    without the NaN {without}")
    found[method] = with_nan
expected = {"holm": [0.03, numpy.nan, 0.08], "fdr_bh": [numpy.nan] * 3}
same = all(numpy.allclose(found[name], values, equal_nan=True) for name, values in expected.items())
raise SystemExit(not same)
PY
env/bin/python holm.py
