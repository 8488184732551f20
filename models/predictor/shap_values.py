"""Contributions in the form that the `shap` package draws: a ``shap.Explanation`` of one drug.

The values are Sidestep's own exact Shapley values [1]_; `shap` computes nothing here. It is
imported only when an explanation is asked for, since that takes seconds.

References
----------
.. [1] Lundberg et al. (2020), Nat Mach Intell 2:56-67, doi:10.1038/s42256-019-0138-9
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.predictor import PanelPredictor

if TYPE_CHECKING:
    import shap


def shap_explanation(
    predictor: PanelPredictor, model: DrugModel, features: pd.DataFrame
) -> shap.Explanation:
    """Exact contributions of every feature of one drug's model, for the plots of `shap`.

    Parameters
    ----------
    predictor : PanelPredictor
    model : DrugModel
        One of its drugs.
    features : DataFrame of shape (n_samples, n_features)
        As `PanelPredictor.features` builds them, NaN where not measured.

    Returns
    -------
    shap.Explanation
        ``values`` and ``data`` of shape (n_samples, n_features), ``base_values`` of shape
        (n_samples,), since samples of other modalities have other sub-models, and
        ``feature_names``. A sample's base value and values add up to its prediction, in the
        response's unit.
    """
    from shap import Explanation

    contributions = predictor.explain(features, model)
    return Explanation(
        values=contributions.values,
        base_values=contributions.base_value,
        data=features.to_numpy(float),
        feature_names=[str(name) for name in features.columns],
        output_names=model.name,
    )
