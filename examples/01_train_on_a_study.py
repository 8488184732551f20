# %% [markdown]
"""
# How do you train on a study?

You have a screen: cell lines, what was measured of them, and how they answered some drugs. You
want a model of these drugs, and numbers that tell you whether to trust it.

Sidestep reads one format, the cBioPortal study folder. A study that you download or export
needs no more preparation. This page makes its studies up, so that it runs anywhere in seconds.

**All data on this page are simulated. No sample is real, and no number says anything about a
real drug.** What was planted lies in the folder `truth/` of each simulated study, for us to
look at and for no model to read.

The six pages of this gallery share one working folder: run them in order, in an empty one.
"""

# %%
from pathlib import Path

from sidestep.features.simulation.simulate import simulate
from sidestep.features.study.study import read_study
from sidestep.main import cli

# %% [markdown]
# ## A study
#
# Three studies share one biology: 60 breast cancer lines and 100 lines of many lineages with
# responses, and 12 tumours without. The shell command for this is `sidestep simulate studies`.

# %%
if not Path("studies").is_dir():
    simulate("studies", lines=60, genes=200, pancan_lines=100, cohort_samples=12, noise=0.4)

# %% [markdown]
# Before anything is learned, look at what the folder holds. `check` reads it as training would,
# and names every problem with its file, row and column. Here and below, `cli` runs what the shell
# would:
#
# ```sh
# sidestep check studies/breast_sim
# ```

# %%
exit_code = cli("check studies/breast_sim".split(), standalone_mode=False)
print("\nexit code:", exit_code)  # 1 if there are errors

# %% [markdown]
# Two things in this table matter for training. Not every line has every kind of measurement, and
# that is fine: a missing modality is a gap and not a zero. And there are fewer donors than lines:
# lines of one woman must never be on both sides of a test, so that folds are of donors.
#
# In Python, a study is one object with a table a modality:

# %%
study = read_study("studies/breast_sim")
print("simulated:", study.simulated)
print(len(study.samples), "lines of", study.donors.nunique(), "donors")
print(study.expression.iloc[:3, :5].round(2).to_string())

# %% [markdown]
# ## Train
#
# Three drugs will do: lapatinib, which the simulation ties to HER2; everolimus, tied to
# PI3K/AKT/MTOR; and `SIMNULL-1`, whose response is noise. A method that finds something in the
# third cannot be believed about the other two.
#
# ```sh
# sidestep train studies/breast_sim --response gi50 --drugs Lapatinib,Everolimus,SIMNULL-1 \
#     --folds 4 --trials 0 --register her2-sim
# ```
#
# `--trials 0` keeps the default settings of the models, which is quick; 20 trials of Optuna are
# the default. `--register` makes the result a version of the model `her2-sim` in the MLflow
# registry.

# %%
cli(
    "train studies/breast_sim --response gi50 --drugs Lapatinib,Everolimus,SIMNULL-1"
    " --folds 4 --trials 0 --jobs 1 --register her2-sim --quiet".split(),
    standalone_mode=False,
)

# %% [markdown]
# ## What the table says
#
# Every r is out of fold: the line that is predicted was not there when features were scaled and
# chosen, settings tuned, or models fitted. `blend` is the model; `ridge` and `trees` are its two
# parts; the last three columns are the baselines.
#
# - **Lapatinib**: the blend and the marker, which is the ERBB2 level alone, are close, and the
#   interval is wide. On this many lines one cannot say that the model is better than the marker.
# - **Everolimus**: no single gene tells, and the model does.
# - **SIMNULL-1**: no mechanism plays a part, and what little can be said of it the subtype's mean
#   says as well. It is as good as that baseline, and every score of it says so.
#
# A drug marked `*` is worse than its best baseline, or errs no less than the mean does, and every
# score of it abstains. The verdict is a test (a paired bootstrap over donors), which one drug in
# twenty without any signal passes by chance.
#
# The gate asks the same of the mean over the drugs. It is not worse, so that the version became the
# champion, which is what `models:/her2-sim@champion` stands for from now on.
#
# Next: [read the runs](02_read_the_runs.md).
