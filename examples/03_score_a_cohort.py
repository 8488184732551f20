# %% [markdown]
"""
# How do you score a cohort?

New samples have come in, without responses. You want, for each sample and drug, what to expect
and how sure that is, in files that a colleague opens tomorrow.

**All data on this page are simulated.** It goes on in the folder of [the first
page](01_train_on_a_study.md), which registered the model.
"""

# %%
import json
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from sidestep.main import cli

# %% [markdown]
# ## One command
#
# The cohort is a study folder as well; it may lack any modality. Nothing is fitted here: the
# scale of every feature was frozen in training, so that a sample gets the same score alone or in
# a batch.
#
# ```sh
# sidestep score studies/cohort_sim --model models:/her2-sim@champion --out scores
# ```

# %%
cli(
    "score studies/cohort_sim --model models:/her2-sim@champion --out scores --quiet".split(),
    standalone_mode=False,
)

# %% [markdown]
# The folder appears whole or not at all, and the same study and model give the same bytes. A job
# that was killed goes on when the command is run again. `report.html` is for reading; the Parquet
# files are for work.
#
# ## What stands in a row

# %%
scores = pd.read_parquet("scores/scores.parquet")
row = scores[(scores["sample_id"] == "SIM-0006-01") & (scores["drug"] == "Lapatinib")].iloc[0]
print(row.to_string(float_format="{:.3f}".format))

# %% [markdown]
# - `prediction` is in the unit of the training response, and `lower` to `upper` is to hold 80 %
#   of such samples.
# - `resistance_percentile` says where that lies among the training lines: 100 is the most
#   resistant, whatever the direction of the response.
# - `p_resistant` is the probability that the response lies on the resistant side of `threshold`.
# - `call` is one word: `resistant` or `sensitive` where that probability is 0.75 or more, or 0.25
#   or less, `uncertain` where it is neither, `abstain` where there is a reason not to answer.
# - `reasons` says why, and what was missing.
#
# ## Unsure is an answer

# %%
print(pd.crosstab(scores["drug"], scores["call"]).to_string())
print()
codes = scores["reasons"].str.split(";").explode()
print(codes[codes != ""].value_counts().sort_index().to_string())

# %% [markdown]
# Every call for `SIMNULL-1` abstains, since in cross-validation its model was no better than a
# baseline. `MODALITY_MISSING` alone is no ground to abstain: the sample is predicted by a
# sub-model that was fitted without that modality, with the interval that this sub-model earned.
#
# The whole cohort at a glance, with what is withheld shown as such:

# %%
percentiles = scores.pivot(index="sample_id", columns="drug", values="resistance_percentile")
withheld = scores.pivot(index="sample_id", columns="drug", values="call") == "abstain"

figure = Figure(figsize=(7.5, 2.4), layout="constrained")
axes = figure.subplots()
colours = colormaps["cividis_r"].with_extremes(bad="0.9")
image = axes.imshow(percentiles.mask(withheld).T, colours, vmin=0, vmax=100, aspect="auto")
for row, column in zip(*np.nonzero(withheld.T.to_numpy()), strict=True):
    axes.text(column, row, "×", ha="center", va="center", color="0.3")
axes.set_xticks(range(len(percentiles)), percentiles.index, rotation=60, ha="right", fontsize=7)
axes.set_yticks(range(percentiles.shape[1]), percentiles.columns)
axes.set_title("Simulated tumours; × abstains", fontsize=9)
figure.colorbar(image, label="resistance percentile")
figure.savefig("03_heat_map.png")

# %% [markdown]
# ![Heat map of twelve simulated tumours by three drugs, dark is resistant; the row of SIMNULL-1
# and two of everolimus are grey and crossed out](images/03_heat_map.png)
#
# ## Were the samples like the training lines?
#
# `manifest.json` records what the job was made of, and how the study as a whole compares with the
# training lines. Read it before the scores: a cohort from another platform shows there first.

# %%
manifest = json.loads(Path("scores/manifest.json").read_text())
print("samples:", manifest["counts"]["samples"], "scored:", manifest["counts"]["samples_scored"])
for modality, found in manifest["coverage"].items():
    print(f"{modality:12} in {found['samples']:2} samples")
for modality, found in manifest["shift"].items():
    print(f"{modality:12} shift: {found['verdict']} (p = {found['p_value']:.2f})")

# %% [markdown]
# ## Was it right?
#
# Nobody knows that of a new cohort. Here the samples are simulated, and the responses without
# noise lie beside them; a model never sees them.

# %%
truth = pd.read_csv("studies/cohort_sim/truth/responses.tsv", sep="\t")
both = scores.merge(truth[["sample_id", "drug", "response"]], on=["sample_id", "drug"])
both = both.rename(columns={"response_y": "true"})
both["within"] = both["true"].between(both["lower"], both["upper"])
for drug in ("Lapatinib", "Everolimus"):
    rows = both[both["drug"] == drug]
    r = rows["prediction"].corr(rows["true"])
    print(f"{drug:10} r {r:.2f}, the truth is in {rows['within'].sum()} of {len(rows)} intervals")

# %% [markdown]
# More than 80 % of the intervals hold the truth, since they are made for measured responses, and
# a measurement adds noise to it. Real tumours will not be as kind: simulated ones follow the very
# rules that the simulated lines follow.
#
# Next: [read an explanation](04_read_an_explanation.md).
