#!/usr/bin/env bash
# pyarrow 26.0.1, pandas 3.1.1, polars 2.1.0: Parquet files can carry checksums, but readers do not look at them.
#
# A table is written with write_page_checksum=True. One bit of a stored integer is then flipped. pandas.read_parquet,
# pyarrow.parquet.read_table and polars.read_parquet return the wrong number. Only pyarrow with
# page_checksum_verification=True raises an error; pandas passes this argument on.
#
# Seen:
#   pandas: 5001 instead of 5000
#   pyarrow: 5001 instead of 5000
#   polars: 5001 instead of 5000
#   pyarrow, page_checksum_verification=True: OSError
#
# Why it matters: a damaged disk changes labels or results silently, although the file says so.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6 polars==2.1.0
cat > read.py <<'PY'
from pathlib import Path

import numpy
import pandas
import polars
import pyarrow
from pyarrow import parquet

table = pyarrow.table({"label": numpy.arange(10_000)})
parquet.write_table(table, "t.parquet", write_page_checksum=True, compression="none", use_dictionary=False)
content = bytearray(Path("t.parquet").read_bytes())
content[content.find(numpy.int64(5000).tobytes())] ^= 1
Path("t.parquet").write_bytes(content)
found = {
    "pandas": pandas.read_parquet("t.parquet")["label"][5000],
    "pyarrow": parquet.read_table("t.parquet")["label"][5000].as_py(),
    "polars": polars.read_parquet("t.parquet")["label"][5000],
}
for reader, value in found.items():
    print(f"{reader}: {value} instead of 5000")
try:
    parquet.read_table("t.parquet", page_checksum_verification=True)
    refused = "no error"
except OSError:
    refused = "OSError"
print(f"pyarrow, page_checksum_verification=True: {refused}")
raise SystemExit(not (set(found.values()) == {5001} and refused == "OSError"))
PY
env/bin/python read.py
