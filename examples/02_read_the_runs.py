# %% [markdown]
"""
# How do you read the runs?

Every training leaves a record in MLflow: what was asked, what was learned from, every held-out
prediction, and the model. Most days you will look at it in the browser. When you need a number
that no page shows, read the record from Python.

**All data on this page are simulated.** It goes on in the folder of [the page
before](01_train_on_a_study.md).
"""

# %%
import os
from tempfile import TemporaryDirectory

# Before MLflow is imported: it would tell its makers of its use, and draw progress bars.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

import pandas as pd
from matplotlib.figure import Figure
from mlflow import MlflowClient

from sidestep.training.validation.coverage import coverage_sentence

# %% [markdown]
# ## In the browser
#
# ```sh
# sidestep ui
# ```
#
# prints an address and serves the pages until Ctrl-C. A training is one run, with its table of
# drugs as the description and its plots under *Artifacts*; each drug is a nested run below it.
# Each registered version has a model card: data, metrics, limits and intended use.
#
# ## In Python
#
# Runs are found by their tags. The run of a whole panel has the tag `level = panel`:

# %%
client = MlflowClient("sqlite:///mlflow.db")
experiment = client.get_experiment_by_name("sidestep")
(panel,) = client.search_runs(
    [experiment.experiment_id], "tags.level = 'panel' and tags.study = 'breast_sim'"
)
for tag in ("study", "simulated", "response", "unit", "direction", "gate", "marked_drugs"):
    print(f"{tag:13}{panel.data.tags[tag]}")

# %% [markdown]
# The runs of its drugs name it as their parent. `pearson` is the blend's, out of fold; what comes
# after a dot says whose it is otherwise.

# %%
drugs = client.search_runs(
    [experiment.experiment_id],
    f"tags.`mlflow.parentRunId` = '{panel.info.run_id}'",
    order_by=["metrics.pearson DESC"],
)
shown = ["pearson", "pearson_lower", "pearson_upper", "pearson.marker", "pearson.lineage_mean"]
table = pd.DataFrame({run.data.tags["drug"]: run.data.metrics for run in drugs}).T
print(table[shown].round(2).to_string())

# %% [markdown]
# ## Every held-out prediction
#
# Metrics are computed from `out_of_fold.parquet`: one row a drug and line, with the fold in which
# the line was held out and what each method said of it. So any question about the evidence can be
# asked again, without training again. Were the folds alike, or did one carry the result?


# %%
def artefact(name: str) -> pd.DataFrame:
    with TemporaryDirectory() as folder:
        return pd.read_parquet(client.download_artifacts(panel.info.run_id, name, folder))


predictions = artefact("out_of_fold.parquet").query("repeat == 0")
by_fold = predictions.groupby(["drug", "fold"])[["observed", "blend"]]
r = by_fold.apply(lambda lines: lines["observed"].corr(lines["blend"])).unstack()
print(r.round(2).to_string())

# %% [markdown]
# With a dozen lines a fold, r moves a lot from fold to fold, and even noise does well in one or
# two. The width of the interval above says that in one number.
#
# Which lines does the model get wrong? The dots below the diagonal are more resistant than
# predicted, since a high GI50 on this scale (-log10 molar) is sensitive.

# %%
BLUE, ORANGE = "#0072B2", "#D55E00"
figure = Figure(figsize=(8, 4), layout="constrained")
for axes, drug, colour in zip(
    figure.subplots(1, 2, sharex=True, sharey=True),
    ("Lapatinib", "SIMNULL-1"),
    (BLUE, ORANGE),
    strict=True,
):
    lines = predictions[predictions["drug"] == drug]
    axes.scatter(lines["blend"], lines["observed"], s=16, color=colour)
    axes.axline((5, 5), slope=1, color="0.6", lw=1)
    axes.set(xlabel="predicted, out of fold", title=f"{drug} (simulated)")
figure.axes[0].set_ylabel("observed, -log10 GI50")
figure.savefig("02_held_out.png")

# %% [markdown]
# ![Observed against predicted response of held-out lines: lapatinib rises along the diagonal,
# SIMNULL-1 is predicted nearly the same for every line](images/02_held_out.png)
#
# ## Do the intervals hold what they promise?
#
# `coverage.parquet` counts, for each drug, lineage and combination of modalities, the held-out
# lines (`n`) and those within their 80 % and 90 % prediction intervals (`covered_80`,
# `covered_90`), and has the intervals' mean widths. The sentence is about the lines whose own
# combination it is (`own`).

# %%
print(coverage_sentence(artefact("coverage.parquet")))

# %% [markdown]
# Few lines in a subtype make the last number of each pair rough. It is there so that a subtype
# whose intervals are much too narrow does not hide behind a good mean.
#
# Next: [score a cohort](03_score_a_cohort.md).
