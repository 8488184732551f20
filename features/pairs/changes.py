r"""What changed between two biopsies: each level and score, over the patients and by response.

The change of a patient is after less before. Over a group it is tested by the paired t-test,
between patients who responded and those who did not by Welch's; q is Benjamini and Hochberg's over
the levels, and over the scores, of a group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.significance import false_discovery_rates
from sidestep.features.builders.base import mean_and_sd
from sidestep.features.builders.names import modality_of
from sidestep.features.errors import InputError
from sidestep.features.knowledge.signatures import PATHWAY_TABLE, SIGNATURE_TABLE
from sidestep.features.mechanisms.builder import MechanismBuilder
from sidestep.features.mechanisms.of_features import OTHER, mechanism_of
from sidestep.features.mechanisms.pathways import pathway_feature
from sidestep.features.pairs.pairing import FEWEST_PAIRS, NO_RESPONSE, RESPONSE, Pairing
from sidestep.features.study.study import Study

RISES, FALLS, UNCHANGED, UNTOLD = "rises", "falls", "no change", "not told"
#: Verdict -> what it means.
VERDICTS: Final = {
    RISES: "higher after treatment (q at most the limit); of the difference, more so in responders",
    FALLS: "lower after treatment (q at most the limit); of the difference, more so in responders",
    UNCHANGED: "no change beyond what chance may do",
    UNTOLD: "fewer than three patients, or changes that are all the same: no error to test by",
}
ALL, DIFFERENCE = "all", "response less no response"
LEVEL, SCORE = "level", "score"
#: Bypass of HER2 by other receptors, as scores name it.
_BYPASS = "expression:rtk_bypass_"
_MATRICES: Final = (
    ("expression", "expression"), ("rppa", "rppa"), ("copy_number", "copy_number"),
    ("signature", "signatures"),
)  # fmt: skip


@dataclass(frozen=True)
class PairChanges:
    """Changes of pairs.

    Attributes
    ----------
    pairing : Pairing
    features : pandas.DataFrame
        A row a feature that a pair has: ``feature``, ``kind`` (`LEVEL` or `SCORE`), ``modality``,
        ``mechanism``, ``unit``, and ``sd_before``, its standard deviation over the first biopsies.
    changes : pandas.DataFrame of shape (n_features, n_patients)
        After less before, in the order of `features`; NaN where one of the two was not measured.
    tests : pandas.DataFrame
        A row a feature and group, described in docs/pairs.md.
    fdr, level : float
    """

    pairing: Pairing
    features: pd.DataFrame
    changes: pd.DataFrame
    tests: pd.DataFrame
    fdr: float
    level: float


def find_changes(
    study: Study, pairing: Pairing, fdr: float = 0.05, level: float = 0.95
) -> PairChanges:
    """Test the change of every level and score.

    Parameters
    ----------
    study : Study
    pairing : Pairing
        Of it.
    fdr : float
        Up to which q a change counts.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        If no level was measured in three pairs.
    """
    pairs = pairing.table
    measured = _measured(study, pairing)
    features, sides = measured
    before, after = sides
    change = after - before
    kept = np.isfinite(change).sum(axis=0) >= FEWEST_PAIRS
    if not kept.any():
        raise InputError(
            f"no level of study {study.study_id} was measured before and after in {FEWEST_PAIRS} "
            "patients; give a study with expression, RPPA, copy number or signatures of both"
        )
    features = features[kept].reset_index(drop=True)
    features["sd_before"] = mean_and_sd(before[:, kept])[1]
    change = change[:, kept]
    tests = _tests(features, change, pairs["group"].to_numpy(object), fdr, level)
    changes = pd.DataFrame(change.T, columns=list(pairs["patient"]))
    return PairChanges(pairing, features, changes, tests, fdr, level)


def _measured(study: Study, pairing: Pairing) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray]]:
    """Features, and their values before and after, (n_pairs, n_features) each."""
    sides = [list(pairing.table[side]) for side in ("before", "after")]
    tables: list[pd.DataFrame] = []
    rows: list[pd.DataFrame] = []
    for modality, field in _MATRICES:
        table = getattr(study, field)
        if table is not None and not table.empty:
            unit = _unit(study, modality)
            names = [f"{modality}:{name}" for name in table.columns]
            tables.append(table.set_axis(names, axis=1))
            rows.append(_described(names, LEVEL, unit))
    scores = _scores(study, sides[0], sides[1])
    tables.append(scores)
    rows.append(_described(list(scores.columns), SCORE, "score"))
    features = pd.concat(rows, ignore_index=True)
    first, second = (
        np.hstack([table.reindex(side).to_numpy(float) for table in tables]) for side in sides
    )
    return features, (first, second)


def _unit(study: Study, modality: str) -> str:
    kinds = {
        "expression": study.expression_kind,
        "rppa": study.rppa_kind,
        "copy_number": study.copy_number_kind,
    }
    if modality == "signature":
        return "score"
    return {"z-score": "sd", "discrete": "calls"}.get(kinds[modality], "log2")


def _scores(study: Study, before: list[str], after: list[str]) -> pd.DataFrame:
    """Scores of mechanisms, whose statistics are those of the first biopsies."""
    builder = MechanismBuilder().fit(study.select(before))
    scores = builder.transform(study.select([*before, *after]))
    named = [
        str(name) for name in scores if modality_of(str(name)) in ("expression", "rppa", "state")
    ]
    return scores[named]


def _described(names: list[str], kind: str, unit: str) -> pd.DataFrame:
    mechanisms = [mechanism_of(name) if kind == LEVEL else score_mechanism(name) for name in names]
    return pd.DataFrame(
        {
            "feature": names,
            "kind": kind,
            "modality": [modality_of(name) for name in names],
            "mechanism": mechanisms,
            "unit": unit,
        }
    )


def score_mechanism(score: str) -> str:
    """Mechanism that most members of a score speak of.

    Examples
    --------
    >>> score_mechanism("expression:signature_mitotic"), score_mechanism("rppa:pathway_PI3K_AKT")
    ('cell cycle and mitosis', 'PI3K/AKT/MTOR')
    """
    if score.startswith(_BYPASS):
        return "other RTK bypass"
    for name, genes in SIGNATURE_TABLE.load().items():
        if score == f"expression:signature_{name}":
            return _most(f"expression:{member.gene}" for member in genes)
    for name, members in PATHWAY_TABLE.load().items():
        if score == pathway_feature(name):
            return _most(f"rppa:{member.antibodies[0]}" for member in members)
    return _OF_SCORE.get(score, OTHER)


_OF_SCORE: Final = {
    "rppa:pi3k_phospho": "PI3K/AKT/MTOR",
    "rppa:apoptotic_priming": "apoptosis",
    "state:pten_loss": "PI3K/AKT/MTOR",
    "state:pi3k_genotype": "PI3K/AKT/MTOR",
    "state:pi3k": "PI3K/AKT/MTOR",
    "state:her2_drive": "HER2 drive",
    "state:her2_partner": "HER2 drive",
}


def _most(features: Iterable[str]) -> str:
    counts = Counter(mechanism_of(feature) for feature in features)
    counts.pop(OTHER, None)
    return counts.most_common(1)[0][0] if counts else OTHER


def _tests(
    features: pd.DataFrame, change: np.ndarray, group: np.ndarray, fdr: float, level: float
) -> pd.DataFrame:
    """A row a feature and group."""
    named = [name for name in (RESPONSE, NO_RESPONSE) if (group == name).any()]
    parts = [_of_group(change, level).assign(group=ALL)]
    parts += [_of_group(change[group == name], level).assign(group=name) for name in named]
    if len(named) == 2:
        between = _between(change[group == RESPONSE], change[group == NO_RESPONSE], level)
        parts.append(between.assign(group=DIFFERENCE))
    tables = []
    for part in parts:
        table = pd.concat([features, part], axis=1)
        table["change_sd"] = table["change"] / table["sd_before"]
        table["q"] = np.nan
        for kind in (LEVEL, SCORE):
            rows = (table["kind"] == kind).to_numpy()
            table.loc[rows, "q"] = false_discovery_rates(table.loc[rows, "p"].to_numpy(float))
        still = (table["patients"] >= FEWEST_PAIRS) & (table["change"] == 0)
        told = table["p"].notna() | still
        found = told & (table["q"] <= fdr)
        table["verdict"] = np.select(
            [found & (table["change"] > 0), found & (table["change"] < 0), told],
            [RISES, FALLS, UNCHANGED],
            UNTOLD,
        )
        tables.append(table)
    columns = [
        *("feature", "kind", "modality", "mechanism", "unit", "group", "patients", "change"),
        *("lower", "upper", "change_sd", "p", "q", "verdict"),
    ]
    return pd.concat(tables, ignore_index=True)[columns]


def _of_group(change: np.ndarray, level: float) -> pd.DataFrame:
    """Mean change of each column, with its interval and the paired t-test."""
    count, mean, variance = _moments(change)
    return _table(count, mean, np.sqrt(variance / np.maximum(count, 1)), count - 1.0, level)


def _between(one: np.ndarray, other: np.ndarray, level: float) -> pd.DataFrame:
    """Difference of two groups' mean changes, by Welch's test."""
    counts, means, variances = zip(_moments(one), _moments(other), strict=True)
    parts = [v / np.maximum(n, 1) for v, n in zip(variances, counts, strict=True)]
    total = parts[0] + parts[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = sum(part**2 / np.maximum(n - 1, 1) for part, n in zip(parts, counts, strict=True))
        freedom = total**2 / below
    fewest = np.minimum(counts[0], counts[1])
    return _table(fewest, means[0] - means[1], np.sqrt(total), freedom, level)


def _moments(change: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and variance of each column's known values."""
    known = np.isfinite(change)
    count = known.sum(axis=0)
    mean = np.where(known, change, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (change - mean) ** 2, 0.0).sum(axis=0)
    return count, mean, squares / np.maximum(count - 1, 1)


def _table(
    count: np.ndarray, value: np.ndarray, error: np.ndarray, freedom: np.ndarray, level: float
) -> pd.DataFrame:
    told = (count >= FEWEST_PAIRS) & (error > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(told, 2 * stats.t.sf(np.abs(value / error), freedom), np.nan)
        half = np.where(told, stats.t.ppf((1 + level) / 2, freedom) * error, np.nan)
    shown = np.where(count > 0, value, np.nan)
    return pd.DataFrame(
        {"patients": count, "change": shown, "lower": shown - half, "upper": shown + half, "p": p}
    )
