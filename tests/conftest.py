"""Fixtures that every folder's tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.builders import FeatureJoiner
from features.builders.names import features_of_genes
from features.drugs import find_drug
from features.her2 import her2_high
from features.study import Study
from models.applicability import NearestLines
from models.drug_model import DrugModel
from models.folds import Folds, donor_folds
from models.intervals import held_out_errors, join_errors
from models.pattern_blend import PatternBlend
from models.predictor import PanelPredictor, ResponseScale

PredictorFactory = Callable[..., PanelPredictor]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real data (`SIDESTEP_SHARED`, default ``../shared``); skips without it."""
    folder = Path(os.environ.get("SIDESTEP_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "studies").is_dir():
        pytest.skip(f"the real studies are not at {folder}; set SIDESTEP_SHARED to run this test")
    return folder


@pytest.fixture(scope="session")
def fit_predictor() -> PredictorFactory:
    """Fit a small panel on a study, with two folds for intervals and percentiles."""

    def fit(
        study: Study,
        response: str,
        drugs: Sequence[str],
        modalities: Sequence[str] | None = None,
        clinical: Sequence[str] = (),
    ) -> PanelPredictor:
        splits = donor_folds(study.donors.loc[study.samples].to_numpy(dtype=object), 2, seed=0)
        joiner = FeatureJoiner(modalities, clinical).fit(study)
        joiners = {
            fold: FeatureJoiner(modalities, clinical).fit(study.select(study.samples[train]))
            for fold, (train, _) in enumerate(splits)
        }
        tables = {fold: fitted.transform(study) for fold, fitted in joiners.items()}
        features = joiner.transform(study)
        screen = study.response(response)
        return PanelPredictor(
            joiner=joiner,
            fold_joiners=joiners,
            drugs={
                name: _fit_drug(
                    name, screen.values[name], study.donors, features, dict(tables), splits
                )
                for name in drugs
            },
            nearest=NearestLines().fit(features, list(study.donors.loc[features.index])),
            her2_high=her2_high(study).loc[features.index].to_numpy(bool),
            scale=ResponseScale(
                screen.stable_id, screen.metric, screen.unit, screen.higher_is_resistant
            ),
            training={
                "study_id": study.study_id,
                "study_name": study.name,
                "simulated": study.simulated,
                "digests": dict(study.digests),
            },
        )

    return fit


def _fit_drug(
    name: str,
    response: pd.Series,
    donors: pd.Series,
    features: pd.DataFrame,
    tables: dict[int, pd.DataFrame],
    splits: Folds,
) -> DrugModel:
    """Fit one drug on all lines and without each fold's."""
    y = response.reindex(features.index)
    tested = np.flatnonzero(y.notna())
    drug = find_drug(name)
    genes = () if drug is None else (*drug.targets, *drug.partners)

    def blend(table: pd.DataFrame, rows: np.ndarray) -> PatternBlend:
        unfitted = PatternBlend(
            features_of_genes(table.columns, genes),
            inner_folds=2,
            tree_settings={"n_trees": 25, "n_features": 60},
        )
        index = table.index[rows]
        return unfitted.fit(table.loc[index], y.loc[index], donors.loc[index])

    fold_blends, errors = {}, []
    for fold, (train, test) in enumerate(splits):
        fold_blends[fold] = blend(tables[fold], np.intersect1d(train, tested))
        rows = np.intersect1d(test, tested)
        held_out = tables[fold].iloc[rows]
        known = tables[fold].iloc[np.intersect1d(train, tested)]
        nearest = NearestLines().fit(known, list(donors.loc[known.index]))
        observed = y.iloc[rows].to_numpy(float)
        errors.append(held_out_errors(fold_blends[fold], fold, nearest, held_out, observed, rows))
    return DrugModel(
        name=name,
        blend=blend(features, tested),
        fold_blends=fold_blends,
        errors=join_errors(errors),
        lines=tested,
        observed=y.iloc[tested].to_numpy(float),
        metrics={"blend": {"pearson": [0.5, 0.2, 0.7]}, "ridge": {"pearson": [0.4, 0.1, 0.6]}},
        # A drug of simulated noise: no model can predict it.
        beats_baselines=not name.startswith("SIMNULL"),
    )
