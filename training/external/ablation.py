"""What a modality is worth to a model: how much r falls when lines are given each other's.

A modality's rows are permuted among the lines that have it, so that it keeps its distribution and
its gaps, and says nothing of a line any more: permutation importance (Breiman, Mach Learn 45:5
(2001), doi:10.1023/A:1010933404324), of all features of a modality at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError
from sidestep.features.study.study import Study
from sidestep.models.predictor.predictor import PanelPredictor
from sidestep.training.external.accuracy import interval_of, pearson_draws
from sidestep.training.external.pairs import answers

MODALITIES = ("expression", "rppa", "mutation", "copy_number", "signature")
#: Modality -> field of a study that holds it, where that goes by another name.
_FIELDS = {"signature": "signatures"}
COLUMNS = ("modality", "lines", "pearson", "without", "loss", "lower", "upper")


def permuted(study: Study, modality: str, rng: np.random.Generator) -> Study:
    """The study with the rows of a modality given to other samples that have it.

    Parameters
    ----------
    study : Study
    modality : str
        One of `MODALITIES`.
    rng : numpy.random.Generator
    """
    if modality != "mutation":
        field = _FIELDS.get(modality, modality)
        table = getattr(study, field)
        if table is None:
            return study
        order = rng.permutation(len(table))
        shuffled = pd.DataFrame(table.to_numpy()[order], table.index, table.columns)
        changed: dict[str, Any] = {field: shuffled}
        return replace(study, **changed)
    if study.sequenced is None or study.mutations is None:
        return study
    names = [str(name) for name in study.sequenced]
    given = dict(zip(names, rng.permutation(np.array(names, dtype=object)), strict=True))
    calls = study.mutations.assign(
        sample_id=study.mutations["sample_id"].astype("str").map(given).astype("str")
    )
    panels = {given[str(name)]: panel for name, panel in study.panel_of.items()}
    covered = pd.Series(panels, dtype="str").reindex(study.panel_of.index)
    return replace(study, mutations=calls, panel_of=covered)


def ablate(
    predictor: PanelPredictor,
    study: Study,
    pairs: pd.DataFrame,
    modalities: Sequence[str],
    *,
    repeats: int,
    n_bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Loss of r, mean over the drugs, where lines are given each other's rows of a modality.

    Parameters
    ----------
    predictor : PanelPredictor
    study : Study
    pairs : DataFrame
        As `training.external.pairs.paired` returns, of this model and study.
    modalities : sequence of str
        Of `MODALITIES`.
    repeats : int
        Permutations, over which r is averaged.
    n_bootstrap, seed : int

    Returns
    -------
    DataFrame
        `COLUMNS`: `pearson` as it is, `without` the modality, and the `loss` with its 95 %
        interval, bootstrapped over donors, the same draws for both.

    Raises
    ------
    InputError
        If the model does not use a modality, or the study does not have it.
    """
    drugs = list(dict.fromkeys(pairs["drug"]))
    kept = pd.MultiIndex.from_frame(pairs[["drug", "sample_id"]])
    whole = pearson_draws(pairs, n_bootstrap, seed)
    sign = 1.0 if predictor.scale.higher_is_resistant else -1.0
    rows = []
    for modality in modalities:
        having = _having(predictor, study, modality)
        draws = []
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, MODALITIES.index(modality)])
            said = answers(predictor, permuted(study, modality, rng), drugs, 0.8, known_by=study)
            tables = [table.assign(drug=drug) for drug, table in said.tables.items()]
            again = pd.concat(tables).set_index(["drug", "sample_id"])["prediction"]
            shuffled = pairs.assign(shuffled=sign * again.loc[kept].to_numpy(float))
            draws.append(pearson_draws(shuffled, n_bootstrap, seed, "shuffled"))
        without = np.mean(draws, axis=0)
        loss = whole - without
        rows.append((modality, having, whole[0], without[0], loss[0], *interval_of(loss)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _having(predictor: PanelPredictor, study: Study, modality: str) -> int:
    """Lines of the study that have a modality of the model."""
    used = [str(name) for name in predictor.joiner.modality_.unique()]
    if modality not in used:
        raise InputError(f"the model does not use {modality}; ablate one of {', '.join(used)}")
    having = len(study.profiled().get(modality, ()))
    if not having:
        raise InputError(f"study {study.study_id} has no {modality} to ablate")
    return having
