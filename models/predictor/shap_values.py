"""Contributions in the form that the `shap` package draws: a ``shap.Explanation`` of one drug.

The values are Sidestep's own exact Shapley values [1]_; `shap` computes nothing here. It is
imported only when an explanation is asked for, since that takes seconds.

References
----------
.. [1] Lundberg et al. (2020), Nat Mach Intell 2:56-67, doi:10.1038/s42256-019-0138-9
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sidestep.features.study.study import Study
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.known_lines import rows_by_fold
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
    found = predictor.explain(features, model)
    table = pd.DataFrame(found.values, features.index, features.columns)
    return _explanation(model.name, table, found.base_value, features)


def unseen_explanation(
    predictor: PanelPredictor, model: DrugModel, study: Study, samples: Sequence[str]
) -> shap.Explanation:
    """The same of samples of a study, where training lines are explained by their fold's model.

    That model has not seen the line. Where it has features that the final one lacks, they stand
    behind the final model's.

    Parameters
    ----------
    predictor : PanelPredictor
    model : DrugModel
        One of its drugs.
    study : Study
    samples : sequence of str
        Of the study; rows of the result.
    """
    part = study.select(samples)
    features = predictor.features(part)
    tables, values, bases = [], [], np.empty(len(features))
    for fold, rows in rows_by_fold(predictor.known.find(part, features)).items():
        some, answering, answers = features.iloc[rows], predictor, model
        if fold is not None and model.name in predictor.unseen(fold).drugs:
            answering = predictor.unseen(fold)
            answers = answering.drugs[model.name]
            some = answering.features(part.select(list(some.index)))
        found = answering.explain(some, answers)
        bases[rows] = found.base_value
        tables.append(some)
        values.append(pd.DataFrame(found.values, some.index, some.columns))
    names = list(dict.fromkeys(name for table in (features, *tables) for name in table.columns))
    contributions = pd.concat(values).reindex(index=features.index, columns=names).fillna(0.0)
    data = pd.concat(tables).reindex(index=features.index, columns=names)
    return _explanation(model.name, contributions, bases, data)


def _explanation(
    drug: str, values: pd.DataFrame, base_values: np.ndarray, data: pd.DataFrame
) -> shap.Explanation:
    from shap import Explanation

    return Explanation(
        values=values.to_numpy(float),
        base_values=base_values,
        data=data.to_numpy(float),
        feature_names=[str(name) for name in values.columns],
        output_names=drug,
    )
