"""Draw the test accuracy of each noise rate, with its interval over seeds."""

import pandas as pd
import seaborn.objects as so

curves = pd.read_parquet(snakemake.input.curves)
test = curves[(curves["measure"] == "accuracy") & (curves["subset"] == "test")]
plot = so.Plot(test, x="epoch", y="mean", ymin="low", ymax="high", color="noise").add(so.Line()).add(so.Band())
plot.label(y="test accuracy").save(snakemake.output.figure, dpi=150, bbox_inches="tight")
