"""Regimens: under which treatment a patient's response was seen, or is to be expected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import pandas as pd

from sidestep.features.builders.base import FeatureBuilder
from sidestep.features.builders.names import DRUG_GIVEN, REGIMEN
from sidestep.features.errors import InputError
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.knowledge.statuses import STATUS_COLUMN_TABLE, UNDECIDED, read_status
from sidestep.features.study.study import Study

#: What stands between the drugs of a regimen.
_BETWEEN = "+"
# Samples whose text must name a drug of the drug table, for an attribute to be one of drugs.
_LEAST_SHARE = 0.1
#: Any HER2 status, in what a regimen gave.
ANY = "any"


class RegimenBuilder(FeatureBuilder):
    """One column a regimen that the training samples had, and one a known drug that it gave.

    They are a condition that a prediction is made under, and no measurement: a sample of an
    unknown regimen has NaN, one of a regimen that training had not seen 0 everywhere.

    Parameters
    ----------
    attribute : str
        Clinical attribute that tells the regimen, such as ``ARM_CODE``.
    drugs_attribute : str
        Clinical attribute that tells the drugs given, such as ``Paclitaxel + MK-2206``; empty if
        none does. Within a regimen they may differ by HER2 status.

    Attributes
    ----------
    regimens_ : list of str
        In the alphabet's order.
    drugs_ : list of str
        Names of the drug table.
    given_ : dict of str to dict of str to list of str
        Regimen -> HER2 status, or `ANY` -> the drugs that most training samples of it had.
    counts_ : dict of str to dict of str to int
        Regimen -> HER2 status, or `ANY` -> training samples.
    """

    modality = REGIMEN

    def __init__(self, attribute: str = "", drugs_attribute: str = "") -> None:
        self.attribute = attribute
        self.drugs_attribute = drugs_attribute

    def fit(self, X: Study, y: object = None) -> Self:
        """Learn which regimens there are, and which drugs each gave.

        Raises
        ------
        InputError
            If the study has no such attribute, or no sample has a regimen.
        """
        for name in (self.attribute, self.drugs_attribute):
            if name and name not in X.clinical.columns:
                raise InputError(
                    f"study {X.study_id} has no clinical attribute {name}; it has "
                    f"{', '.join(map(str, X.clinical.columns)) or 'none'}"
                )
        labels = X.clinical[self.attribute].dropna().astype(str)
        if labels.empty:
            raise InputError(
                f"no sample of study {X.study_id} has a value of {self.attribute}, which is to "
                "tell regimens"
            )
        self.regimens_ = sorted(labels.unique())
        texts = X.clinical[self.drugs_attribute or self.attribute].reindex(labels.index)
        drugs = {text: known_drugs(text) for text in texts.dropna().unique()}
        status = her2_status(X).reindex(labels.index)
        self.given_: dict[str, dict[str, list[str]]] = {}
        self.counts_: dict[str, dict[str, int]] = {}
        for regimen in self.regimens_:
            own = labels.index[labels == regimen]
            self.given_[regimen], self.counts_[regimen] = {}, {}
            for said in (ANY, *sorted(status.loc[own].unique())):
                some = own if said == ANY else own[(status.loc[own] == said).to_numpy()]
                common = Counter(texts.loc[some].dropna()).most_common(1)
                self.given_[regimen][said] = drugs[common[0][0]] if common else []
                self.counts_[regimen][said] = len(some)
        self.drugs_ = sorted({drug for found in drugs.values() for drug in found})
        self.feature_names_ = [
            *(f"{REGIMEN}:{self.attribute}={name}" for name in self.regimens_),
            *(f"{DRUG_GIVEN}{name}" for name in self.drugs_),
        ]
        return self

    def _measured(self, X: Study) -> pd.DataFrame | None:
        if self.attribute not in X.clinical.columns:
            return None
        own = X.clinical[self.attribute]
        named = self.drugs_attribute in X.clinical.columns
        texts = X.clinical[self.drugs_attribute] if named else own
        status = her2_status(X)
        rows = np.full((len(X.samples), len(self.feature_names_)), np.nan)
        for row, (regimen, text, said) in enumerate(zip(own, texts, status, strict=True)):
            if pd.isna(regimen):
                continue
            told = known_drugs(text) if named and not pd.isna(text) else None
            rows[row] = self._row(str(regimen), said, told)
        return pd.DataFrame(rows, index=X.samples, columns=self.feature_names_)

    def under(self, regimen: str, status: Sequence[str]) -> np.ndarray:
        """Columns of samples as if they had a regimen, (n_samples, n_columns).

        Parameters
        ----------
        regimen : str
            One of `regimens_`.
        status : sequence of str
            HER2 status of each sample (`her2_status`): with each the drugs count that most
            training patients of that regimen and status had.
        """
        return np.array([self._row(regimen, said, None) for said in status])

    def seen(self, regimen: str, status: str) -> int:
        """Training samples of a regimen that had a HER2 status; an undecided one is any."""
        counts = self.counts_.get(regimen, {})
        return counts.get(ANY if status == UNDECIDED else status, 0)

    def drugs_of(self, regimen: str, status: str) -> list[str]:
        """Drugs that a regimen gives to samples of a HER2 status."""
        given: Mapping[str, list[str]] = self.given_.get(regimen, {})
        return given.get(status, given.get(ANY, []))

    def _row(self, regimen: str, status: str, told: Sequence[str] | None) -> np.ndarray:
        drugs = self.drugs_of(regimen, status) if told is None else told
        return np.array(
            [
                *(name == regimen for name in self.regimens_),
                *(name in drugs for name in self.drugs_),
            ],
            dtype=float,
        )


def known_drugs(text: object) -> list[str]:
    """Drugs of the drug table that a text names, parted by ``+``, by their names there.

    Examples
    --------
    >>> known_drugs("Paclitaxel + MK-2206 + Trastuzumab")
    ['MK-2206', 'Trastuzumab']
    """
    found = [find_drug(part.strip()) for part in str(text).split(_BETWEEN) if part.strip()]
    return list(dict.fromkeys(drug.name for drug in found if drug is not None))


def drugs_attribute(study: Study, regimen: str) -> str:
    """Clinical attribute that tells the drugs that samples were given; empty if none does.

    The one whose texts name drugs of the drug table most often, by a tenth of the samples at least.
    """
    shares = {}
    for name in study.clinical.columns:
        texts = study.clinical[name].dropna()
        known = {text: bool(known_drugs(text)) for text in texts.unique()}
        shares[str(name)] = sum(known[text] for text in texts) / max(len(study.samples), 1)
    best = max(shares, key=lambda name: (shares[name], name == regimen), default="")
    return best if best and shares[best] >= _LEAST_SHARE else ""


def her2_status(study: Study) -> pd.Series:
    """``positive``, ``negative`` or ``undecided`` of each sample, by its clinical attributes."""
    status = pd.Series(UNDECIDED, index=study.samples, dtype=object)
    by_case = {str(column).upper(): str(column) for column in study.clinical.columns}
    for column in (by_case[name] for name in STATUS_COLUMN_TABLE.load() if name in by_case):
        said = read_status(study.clinical[column], column, study.grades.get(column)).status
        status = status.where(status != UNDECIDED, said.reindex(study.samples))
    return status
