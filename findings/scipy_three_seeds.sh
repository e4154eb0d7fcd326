#!/usr/bin/env bash
# scipy 1.17.1: for three values, bootstrap intervals of 95, 99 and 99.9 % are the same, and equal seeds give p = 0.
#
# With three values, one resample of 27 consists of the smallest value alone. That is more than 2.5 %, so the lower end
# of the interval is the smallest value and the upper end the largest, for each level above about 93 %.
# The t test of three equal values against a value that differs in the last digit gives p = 0, with a warning about
# precision, because their standard deviation is 0.
#
# Seen:
#   level 0.95: 1.0 to 3.0
#   level 0.99: 1.0 to 3.0
#   level 0.999: 1.0 to 3.0
#   t test of 0.30000000000000004 (three times) against 0.3: p = 0.0
#
# Why it matters: three seeds are common in papers. The level of such an interval says nothing, and seeds that all reach
# an accuracy of exactly 1 look infinitely significant.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env; env/bin/pip install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
cat > three.py <<'PY'
import warnings

import numpy
from scipy import stats

values = numpy.array([1.0, 2.0, 3.0])
found = []
for level in (0.95, 0.99, 0.999):
    interval = stats.bootstrap(
        (values,), numpy.mean, confidence_level=level, rng=numpy.random.default_rng(0)
    ).confidence_interval
    found.append((float(interval.low), float(interval.high)))
    print(f"level {level}: {found[-1][0]} to {found[-1][1]}")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    p = float(stats.ttest_1samp([0.1 + 0.2] * 3, 0.3, alternative="greater").pvalue)
print(f"t test of {0.1 + 0.2} (three times) against 0.3: p = {p}")
raise SystemExit(not (set(found) == {(1.0, 3.0)} and p == 0.0))
PY
env/bin/python three.py
