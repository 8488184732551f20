"""Activity of pathways by the proteins and phosphosites of an array (RPPA).

A score is the signed mean of its antibodies, after Akbani et al., Nat Commun 2014
(DOI 10.1038/ncomms4887).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import (
    FeatureBuilder,
    columns_at,
    mean_and_sd,
    require,
    well_measured,
)
from sidestep.features.knowledge.signatures import PATHWAY_TABLE
from sidestep.features.study.antibodies import match_antibodies
from sidestep.features.study.study import Study

_CLIP_SD = 8.0
#: Scores beside the published pathways: antibodies that count for, and against.
_SCORES = {
    "pi3k_phospho": (("AKT1_pS473", "AKT1_pT308", "RPS6_pS235_S236", "RPS6_pS240_S244"), ()),
    "apoptotic_priming": (("BCL2L11", "BBC3", "DIABLO"), ("BCL2L1", "MCL1", "BCL2")),
}
#: Phosphorylation that takes BCL-2 off BIM (Saatci et al., Oncogene 2018): counts for priming
#: where an array has it, and is not missed where it has not.
_FREED = "BCL2_pS70"


def antibody_levels(rppa: pd.DataFrame, antibodies: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Levels under the names that the scores use.

    Parameters
    ----------
    rppa : DataFrame of shape (n_samples, n_antibodies)
        Log2 levels, under canonical names (`features.study.antibodies`).
    antibodies : mapping of str to sequence of str
        Name in the score -> names that the antibody goes by, the likeliest first.

    Returns
    -------
    DataFrame of shape (n_samples, n_wanted)
        NaN where the array has no antibody of that site.
    """
    available = list(rppa.columns)
    columns = []
    for spellings in antibodies.values():
        found = match_antibodies(spellings, available)
        columns.append(next((found[name] for name in spellings if name in found), None))
    levels = columns_at(rppa, rppa.columns.get_indexer(pd.Index(columns)))
    # Column after column, as statistics of columns go over it.
    levels = np.asfortranarray(levels)
    return pd.DataFrame(levels, index=rppa.index, columns=list(antibodies), copy=False)


def signed_mean(
    levels: pd.DataFrame, plus: Sequence[str], minus: Sequence[str], at_least: float = 0.5
) -> np.ndarray:
    """Mean of the members that rise with a pathway's activity and of the negated others.

    The published score is their sum (Akbani et al., Nat Commun 2014, DOI 10.1038/ncomms4887);
    divided by the members measured it means the same on arrays that lack some.

    Parameters
    ----------
    levels : DataFrame of shape (n_samples, n_antibodies)
        Centred and scaled.
    plus, minus : sequence of str
        Columns of `levels`.
    at_least : float
        Share of the members that a sample must have.

    Returns
    -------
    ndarray of shape (n_samples,)
        NaN where too few members are measured.
    """
    signs = np.array([1.0] * len(plus) + [-1.0] * len(minus))
    signed = levels[[*plus, *minus]].to_numpy(float) * signs
    return mean_of_measured(signed, at_least)


def mean_of_measured(values: np.ndarray, at_least: float = 0.5) -> np.ndarray:
    """Mean of each row over the values it has; NaN where it has less than that share, or none."""
    values = np.ascontiguousarray(values)
    measured = np.isfinite(values)
    count = measured.sum(axis=1)
    total = np.where(measured, values, 0.0).sum(axis=1)
    enough = (count > 0) & (count >= at_least * values.shape[1])
    return np.where(enough, total / np.maximum(count, 1), np.nan)


class PathwayBuilder(FeatureBuilder):
    """Pathway scores of Akbani et al., and two of the resistance papers.

    ``rppa:pathway_NAME`` is a pathway of `features.knowledge.signatures`
    (`mechanisms.pathways.signed_mean`); ``rppa:pi3k_phospho`` is phosphorylated AKT and S6;
    ``rppa:apoptotic_priming`` is BIM, PUMA and SMAC less BCL-XL, MCL-1 and BCL-2. As published,
    each antibody is centred on the median of the training lines and scaled by their standard
    deviation. A score needs half of its members.

    Parameters
    ----------
    antibodies : sequence of str
        Further antibodies whose levels are wanted (`levels`), by canonical name.

    Attributes
    ----------
    antibodies_ : dict of str to list
        Antibody -> names that it goes by.
    median_, sd_ : ndarray of shape (n_antibodies,)
        Of the training lines.
    members_ : dict of str to dict
        Score -> its ``plus`` and ``minus`` antibodies.
    """

    modality = "rppa"

    def __init__(self, antibodies: Sequence[str] = ()) -> None:
        self.antibodies = antibodies

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn antibodies, medians and deviations.

        Raises
        ------
        InputError
            If no sample has RPPA.
        """
        wanted = {m.antibodies[0]: m.antibodies for p in PATHWAY_TABLE.load().values() for m in p}
        named = (*self.antibodies, *(a for plus, minus in _SCORES.values() for a in plus + minus))
        wanted |= {name: (name,) for name in (*named, _FREED) if name not in wanted}
        table = well_measured(antibody_levels(require(X.rppa, "RPPA", X), wanted))
        self.antibodies_ = {str(name): list(wanted[name]) for name in table.columns}
        values = table.to_numpy(float)
        self.median_ = np.nanmedian(values, axis=0) if len(self.antibodies_) else np.zeros(0)
        self.sd_ = mean_and_sd(values)[1]
        self.members_ = _members_of(self.antibodies_)
        self.feature_names_ = list(self.members_)
        return self

    def levels(self, X: Study) -> pd.DataFrame:
        """Antibodies in training deviations from the training median, samples x `antibodies_`."""
        self._require_fitted("feature_names_")
        if X.rppa is None:
            return pd.DataFrame(index=X.samples, columns=list(self.antibodies_), dtype=float)
        return self._levels(X.rppa).reindex(X.samples)

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if X.rppa is None:
            return None
        levels = self._levels(X.rppa)
        scores = {
            name: signed_mean(levels, members["plus"], members["minus"])
            for name, members in self.members_.items()
        }
        return pd.DataFrame(scores, index=X.rppa.index)

    def _levels(self, table: pd.DataFrame) -> pd.DataFrame:
        values = antibody_levels(table, self.antibodies_).to_numpy(float)
        standard = np.clip((values - self.median_) / self.sd_, -_CLIP_SD, _CLIP_SD)
        return pd.DataFrame(standard, index=table.index, columns=list(self.antibodies_))


def _members_of(antibodies: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Scores of which at least half of the members are among the antibodies."""
    scores: dict[str, tuple[Sequence[str], Sequence[str]]] = {}
    for name, members in PATHWAY_TABLE.load().items():
        scores[pathway_feature(name)] = (
            [m.antibodies[0] for m in members if m.sign > 0],
            [m.antibodies[0] for m in members if m.sign < 0],
        )
    scores |= {f"rppa:{name}": members for name, members in _SCORES.items()}
    found = {}
    for score, (plus, minus) in scores.items():
        present = {
            "plus": [name for name in plus if name in antibodies],
            "minus": [name for name in minus if name in antibodies],
        }
        if 2 * (len(present["plus"]) + len(present["minus"])) >= len(plus) + len(minus):
            if score == "rppa:apoptotic_priming" and _FREED in antibodies:
                present["plus"].append(_FREED)
            found[score] = present
    return found


def pathway_feature(name: str) -> str:
    """Feature that holds a pathway's score: ``"PI3K/AKT"`` is ``rppa:pathway_PI3K_AKT``."""
    return "rppa:pathway_" + re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
