# %% [markdown]
"""
# How do you add a feature builder of your own?

Sidestep turns a study into features by one builder a modality. You may know something that none
of them knows. This page writes a builder, looks at it alone, and then asks the only question
that counts: do held-out lines get predicted better with it than without?

**All data on this page are simulated.** It goes on in the folder of [the first
page](01_train_on_a_study.md).
"""

# %%
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.errors import InputError
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.training.validation.comparison import compare, pair
from sidestep.training.validation.cross_validation import Plan, lines_of_drug, split_lines
from sidestep.training.validation.panel import Panel, choose_panel

# %% [markdown]
# ## The idea
#
# Some lung cancers carry a fusion of the kinase ALK, and answer crizotinib. The study knows the
# fusions of its lines, as a table, but the features that Sidestep trains on hold none:

# %%
study = read_study("studies/pancan_sim")
fusions = study.fusions
print(fusions[fusions["gene_b"] == "ALK"].head(3).to_string(index=False))
names = FeatureJoiner().fit(study).get_feature_names_out()
print("features of ALK:", *(name for name in names if ":ALK" in name))

# %% [markdown]
# ## The builder
#
# A builder is a scikit-learn transformer from a `Study` to a table. It has two duties:
#
# - `fit` learns, from training lines only, which features there are (`feature_names_`) and every
#   statistic that they need, as attributes that end in `_`.
# - `_measured` builds the features of the samples that can have them. `transform` gives every
#   other sample NaN, since *not tested* is not the same as *not there*.
#
# The modality has to be one that models know. Fusions are found by sequencing, as mutations are,
# so that `mutation` is the right one; features are named `mutation:GENE:…`, from which Sidestep
# reads the gene, and puts it into the view of the drug's targets.


# %%
class FusionBuilder(FeatureBuilder):
    """Whether a gene is part of a fusion: 1 or 0, NaN in samples that were not sequenced."""

    modality = "mutation"

    def __init__(self, min_lines: int = 3) -> None:
        self.min_lines = min_lines

    def fit(self, X: Study, y: object = None) -> "FusionBuilder":
        """Learn which genes are fused in enough training lines."""
        lines = carriers(X).sum()
        self.genes_ = sorted(lines.index[lines >= self.min_lines])
        self.feature_names_ = [f"mutation:{gene}:fusion" for gene in self.genes_]
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.fusions is None or X.sequenced is None:
            return None
        fused = carriers(X).reindex(index=X.sequenced, columns=self.genes_, fill_value=False)
        return fused.astype(float).set_axis(self.feature_names_, axis=1)


def carriers(study: Study) -> pd.DataFrame:
    """Samples with a fusion x genes: whether the gene is part of one."""
    genes = study.fusions.melt("sample_id", ["gene_a", "gene_b"], value_name="gene")
    return pd.crosstab(genes["sample_id"], genes["gene"]) > 0


# %% [markdown]
# ## The builder alone
#
# Look at it before any model does. Are the features the ones you meant, how many lines have them,
# and is a gap a gap?

# %%
alone = FusionBuilder().fit(study).transform(study)
print(alone.iloc[30:38].to_string())
print()
alk = alone["mutation:ALK:fusion"]
print(f"fused in {alk.sum():.0f} lines, not tested in {alk.isna().sum()} of {len(alk)}")

# %% [markdown]
# A sample must get the same features alone, in a batch and in any order. That is easily broken,
# for instance by a mean over the samples at hand; so test it:

# %%
builder = FusionBuilder().fit(study)
for sample in study.samples:
    pd.testing.assert_frame_equal(builder.transform(study.select([sample])), alone.loc[[sample]])
print("each of", len(alone), "samples is the same alone")

# %% [markdown]
# ## With and without
#
# `FeatureJoiner(extra=[...])` puts the builder's features beside the others. Everything is fitted
# anew in each fold, on its training lines; both runs hold out the same lines; and next to
# crizotinib stands erlotinib, for which ALK fusions should do nothing. We decide all that before
# we look.


# %%
def held_out(study: Study, panel: Panel, plan: Plan, extra: list[FeatureBuilder]) -> pd.DataFrame:
    """Out-of-fold predictions, one row a drug and line."""
    lines = panel.values.index
    rows = []
    for fold, (train, test) in enumerate(split_lines(study, lines, plan)):
        joiner = FeatureJoiner(extra=extra).fit(study.select(train))
        features = joiner.transform(study.select(lines))
        for drug in panel.drugs:
            data = lines_of_drug(study, panel, drug, features)
            known, unknown = data.among(train), data.among(test)
            model = PatternBlend(data.target_features)
            model.fit(known.X, known.y, known.donors)
            rows.append(
                pd.DataFrame(
                    {
                        "drug": drug.name,
                        "sample_id": unknown.X.index,
                        "donor": unknown.donors,
                        "repeat": 0,
                        "fold": fold,
                        "observed": unknown.y,
                        "blend": model.predict(unknown.X),
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


plan = Plan(folds=4)
panel = choose_panel(
    study,
    study.response("ln_ic50"),
    drugs=["Crizotinib", "Erlotinib"],
    panel="all",
    min_lines=20,
)
without = held_out(study, panel, plan, extra=[])
with_fusions = held_out(study, panel, plan, extra=[FusionBuilder()])

# %% [markdown]
# `compare` is what `sidestep compare` runs: Pearson r within folds of both on the same lines, the
# difference with an interval from a bootstrap over donors, and the probability that the second is
# better.

# %%
found = compare(pair(without, with_fusions))
print(found.drugs.round(2).to_string())
print()
print(found.verdict, found.numbers, sep=": ")

# %% [markdown]
# Crizotinib gains much, with an interval that leaves out 0; it is still no good model, for a
# handful of fused lines. Erlotinib, which should gain nothing, gains a tenth of that, with an
# interval that all but touches 0. Chance is one reason; another may be that fusions of ALK occur
# in lung lines alone here, so that the feature tells something of the lineage. That is what the
# second drug is for: a change that helps everything a little has not found a mechanism.
#
# ## What can be saved
#
# A saved model is loaded without running any code of it, and so by the builders of Sidestep
# alone. A joiner with a builder of your own predicts like any other while Python runs, but
# refuses to be saved:

# %%
joiner = FeatureJoiner(extra=[FusionBuilder()]).fit(study)
try:
    joiner.get_state()
except InputError as refused:
    print(refused)

# %% [markdown]
# A builder that has shown its worth belongs in `features/builders`, with its tests, and in
# `FeatureJoiner`; from then on `sidestep train` uses it and every saved model has it.
#
# Next: [retrain and compare](06_retrain_and_compare.md).
