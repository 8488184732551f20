"""Compile the loops that scoring runs, so that the first job on a machine need not.

    python -m serving.scoring.compile_ahead

What is compiled is kept beside the code, or in the user's cache where that cannot be written. A
small made-up model is scored with, by the same functions as any other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sidestep.models.estimators.pattern_blend import PatternBlend
from sidestep.models.estimators.rows import FeatureRows
from sidestep.models.predictor.drug_model import DrugModel, Gain
from sidestep.models.reliability.applicability import NearestLines, weight_covered
from sidestep.models.treeshap.ensemble import FEW_ROWS
from sidestep.serving.scoring.explained import Explained
from sidestep.serving.scoring.explanations import explanation_rows, mechanism_rows
from sidestep.serving.scoring.samples import NamedFeatures, Samples
from sidestep.serving.scoring.stability import stabilities_of

# So many lines that tables explain them.
_LINES, _GENES = FEW_ROWS + 1, 6


def compile_ahead() -> None:
    """Run every compiled loop once."""
    rng = np.random.default_rng(0)
    names = [f"expression:G{gene}" for gene in range(_GENES)]
    lines = pd.DataFrame(rng.standard_normal((_LINES, _GENES)), columns=names)
    y = lines[names[0]].to_numpy() + rng.standard_normal(_LINES)
    fitted = PatternBlend(inner_folds=0, tree_settings={"n_trees": 2}).fit(lines, y)
    blend = PatternBlend.from_state(fitted.get_state(), np.array(names, dtype=object))
    drug = DrugModel(
        "SIM",
        blend,
        {0: blend},
        {},
        np.arange(_LINES),
        y,
        {},
        Gain("better", 1.0, "drug_mean", 1.0),
    )
    named = NamedFeatures.of(lines.columns, {0: lines.columns})
    samples = Samples(lines, {0: lines}, named, [("expression",)] * _LINES, ["expression"] * _LINES)
    blend.predict_rows(samples.rows)
    blend.explain_rows(FeatureRows(lines.iloc[:2]))
    blend.predict_rows(FeatureRows(lines.iloc[:2].assign(**dict.fromkeys(names[1:3], np.nan))))
    explained = Explained.told(blend.said(samples.rows), samples, 3)
    (stability,) = stabilities_of([(drug, explained)], samples)
    explanation_rows(drug, samples, explained, stability)
    mechanism_rows(drug, samples, explained.mechanisms)
    nearest = NearestLines().fit(lines, names[:1] * _LINES)
    view = drug.view(("expression",), nearest)
    view.neighbourhood.distances(samples.rows.values)
    weight_covered(view.weights, samples.rows.values)


if __name__ == "__main__":
    compile_ahead()
