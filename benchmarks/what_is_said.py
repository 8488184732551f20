"""Is what a model says so? Its own training lines scored, and unmeasured features as drivers.

    python -m benchmarks.what_is_said MODEL
    python -m benchmarks.what_is_said MODEL --study pancan_cell_lines

MODEL is a model (``runs:/ID/model``, ``models:/NAME@champion`` or a folder) as `sidestep train`
makes it of the study, by default of `breast_cell_lines`. Its training study is scored as any study,
and r is compared with the cross-validated one. Of two cohorts it is counted how many of the three
leading rows of each explanation name a feature that the sample does not have.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

import sidestep
from benchmarks.accuracy import STUDIES
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.disk.sample_scores import OTHER
from sidestep.training.validation.metrics import correlation, pearson, within_folds

_STUDIES = tuple(folder for folder, _, _ in STUDIES.values())
_COHORTS = ("tcga_brca_rppa", "scanb_breast")
_LEADING = 3


def main() -> None:
    """Print r of the training study scored, and what leads the explanations of each cohort."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="as `sidestep score` takes it")
    parser.add_argument("--study", default=_STUDIES[0], choices=_STUDIES, help="trained on")
    parser.add_argument("--tracking-uri", help="MLflow store of an address")
    parser.add_argument("--cohorts", nargs="*", default=_COHORTS)
    options = parser.parse_args()
    studies = Path(os.environ.get("SIDESTEP_SHARED", "../shared")) / "studies"
    model = sidestep.load_model(options.model, tracking_uri=options.tracking_uri)
    table = scored_training(studies / options.study, model)
    print("the training study scored, and cross-validation: r within folds, and over all lines")
    print(table.round(3).to_string(), "\n", table.mean().round(3).to_string(), sep="\n")
    for cohort in options.cohorts:
        print(f"{cohort}: {leading_rows(studies / cohort, model)}")


def scored_training(study: Path, model: LoadedModel) -> pd.DataFrame:
    """Correlation of the training lines scored, drugs x ways."""
    predictor = model.predictor
    rows = sidestep.score(study, model).scores.dropna(subset=["observed"])
    fold = dict(zip(predictor.known.samples, predictor.known.folds.tolist(), strict=True))
    found = {}
    for drug, lines in rows.groupby("drug", sort=False):
        observed, predicted = lines[["observed", "prediction"]].to_numpy(float).T
        folds = lines["sample_id"].map(fold).to_numpy()
        once = np.ones((1, len(lines)))
        metrics = predictor.drugs[str(drug)].metrics["blend"]
        found[drug] = {
            "n": len(lines),
            "scored": within_folds(correlation, observed, predicted, folds, once)[0],
            "validated": metrics["pearson"][0],
            "scored, pooled": pearson(observed, predicted),
            "validated, pooled": metrics["pearson_pooled"][0],
        }
    return pd.DataFrame(found).T


def leading_rows(study: Path, model: LoadedModel) -> str:
    """How many of the leading rows of the explanations are of features that were not measured."""
    explained = sidestep.score(study, model).explanations
    named = explained[explained["feature"] != OTHER]
    leading = named[named["rank"] <= _LEADING]
    absent = leading["value"].isna()
    samples = leading["sample_id"].nunique()
    return (
        f"{int(absent.sum())} of {len(leading)} leading rows ({absent.mean():.1%}) of "
        f"{samples} samples are of features that were not measured"
    )


if __name__ == "__main__":
    main()
