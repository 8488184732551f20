# %% [markdown]
"""
# How do you read an explanation?

A prediction without its reasons helps nobody to plan the next experiment. Sidestep splits every
prediction exactly into what each feature adds to it, and says how steady that split is.

**All data on this page are simulated.** It goes on in the folder of [the page
before](03_score_a_cohort.md), which wrote the scores.
"""

# %%
import pandas as pd
from matplotlib.figure import Figure

from sidestep.main import cli
from sidestep.serving.explain.answer import answer
from sidestep.serving.source import find_source

SAMPLE, DRUG = "SIM-0006-01", "Lapatinib"


def rows_of(table: str) -> pd.DataFrame:
    everything = pd.read_parquet(f"scores/{table}.parquet")
    return everything[(everything["sample_id"] == SAMPLE) & (everything["drug"] == DRUG)]


# %% [markdown]
# ## Three levels, one sum
#
# `base_value` is what the model says before anything is known of it. What takes it from there to
# the prediction can be read by modality, by mechanism or by feature, and adds up each time.

# %%
score = rows_of("scores").iloc[0]
mechanisms = rows_of("mechanisms").set_index("mechanism")["contribution"]
features = rows_of("explanations").set_index("rank")
modalities = score.filter(like="contribution_").dropna().astype(float)

print(f"base value {score['base_value']:.3f}, prediction {score['prediction']:.3f}")
for level, parts in {
    "modalities": modalities,
    "mechanisms": mechanisms,
    "features": features["contribution"],
}.items():
    print(f"{score['base_value']:.3f} + {level:10} {parts.sum():.3f}")
print()
print(mechanisms[mechanisms.abs() > 0.02].round(2).to_string())

# %% [markdown]
# The response is -log10 of GI50, so that a positive contribution is towards sensitive. This
# tumour is HER2-driven, and the model says so.

# %%
steps = mechanisms[mechanisms.abs() > 0.02].sort_values(key=abs, ascending=False)
small = pd.Series({"all others": mechanisms.sum() - steps.sum()})
steps = pd.concat([steps, small])
starts = score["base_value"] + steps.cumsum().shift(fill_value=0.0)

figure = Figure(figsize=(7.5, 3), layout="constrained")
axes = figure.subplots()
axes.use_sticky_edges = False
axes.barh(steps.index, steps, left=starts, color=["#0072B2" if s > 0 else "#D55E00" for s in steps])
axes.axvline(score["base_value"], color="0.4", lw=1, ls=":")
axes.axvline(score["prediction"], color="0.1", lw=1)
axes.invert_yaxis()
axes.set_xlabel("-log10 GI50: from the base value (dotted) to the prediction (solid)")
axes.set_title(f"{SAMPLE} and {DRUG} (simulated)", fontsize=10)
figure.savefig("04_waterfall.png")

# %% [markdown]
# ![Waterfall from the base value to the prediction: HER2 drive makes nearly all of the
# step](images/04_waterfall.png)
#
# ## Which of it would survive other lines?
#
# Each fold of the cross-validation left a model that had not seen a part of the lines.
# `top_k_share` is the share of these models that also have the feature among their own top 20 for
# this sample; below 0.6 it is marked as not stable.

# %%
columns = ["feature", "mechanism", "value", "contribution", "top_k_share", "stable"]
print(features.loc[1:12, columns].round(2).to_string())

# %% [markdown]
# Do not build on a row that is not stable: it may be gone with the next ten lines. How much of an
# explanation is stable also helps to tell good models from bad ones, since of noise each fold
# makes something else:

# %%
named = pd.read_parquet("scores/explanations.parquet").dropna(subset="feature")
print(named.groupby("drug")["top_k_share"].mean().round(2).to_string())

# %% [markdown]
# ## What if?
#
# ```sh
# sidestep explain SIM-0006-01 --drug Lapatinib --set ERBB2=-2sd
# ```
#
# lowers every measured level of the gene by two training standard deviations, and predicts again.

# %%
cli(f"explain {SAMPLE} --drug {DRUG} --set ERBB2=-2sd --top-k 4".split(), standalone_mode=False)

# %% [markdown]
# Less than one might have thought. GRB7, MIEN1 and STARD3 lie on the same amplicon, go up and
# down with ERBB2 in these lines, and the model has spread over all of them what it learned. An
# explanation names what the model looks at, and not what causes the response: features that
# always move together cannot be told apart from these data, by this model or any other.
#
# So the question is better asked of a mechanism. Without `--set`, `sidestep explain` looks for
# the smallest shift of a single mechanism that changes the call. From Python, for every tumour
# that is called sensitive:

# %%
source = find_source(scores=None, study=None, model=None, tracking_uri="sqlite:///mlflow.db")
scores = pd.read_parquet("scores/scores.parquet")
called = scores[(scores["drug"] == DRUG) & (scores["call"] == "sensitive")]
for sample in called["sample_id"]:
    told = answer(source, sample, DRUG, (), top_k=5, level=source.level, her2_context=False)
    flips = [f"{flip.mechanism} by {flip.sd:.1f} SD" for flip in told.flips.flips]
    print(f"{sample}  {', '.join(flips)}")

# %% [markdown]
# That is a statement about the model, not about what the cells would do.
#
# Those who read no Parquet find all of this in `report.html`, or on one page to print:
#
# ```sh
# sidestep report scores --sample SIM-0006-01 --pdf
# ```
#
# ## Was the reason the right one?
#
# Of real samples nobody knows. Here, what drives the response was planted, with the features in
# which it can be seen:

# %%
drivers = pd.read_csv("studies/cohort_sim/truth/drivers.tsv", sep="\t")
drivers = drivers[drivers["drug"] == DRUG].set_index("mechanism")
planted = set(drivers.at["erbb2_drive", "features"].split(";"))
top = features.loc[1:10, "feature"]
print(top.isin(planted).sum(), "of the ten largest contributions carry the planted HER2 drive;")
print("the others:", ", ".join(top[~top.isin(planted)]))

# %% [markdown]
# Next: [add a builder of your own](05_a_builder_of_your_own.md).
