"""One sample's scores, explanations and evidence of all drugs, put together from their tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from sidestep.serving.disk.columns import Columns, by_drug, rows_of

#: The row of ``explanations.parquet`` that sums all features which are not named.
OTHER = "(other)"

_BY_MODALITY = "contribution_"
_OF_MARKER = [f"marker_{name}" for name in ("value", "percentile", "prediction", "p_resistant")]


@dataclass(frozen=True, slots=True)
class Feature:
    """One named feature of an explanation; the fields are the columns of the file."""

    feature: str
    modality: str
    mechanism: str
    value: float | None
    contribution: float
    top_k_share: float | None
    stable: bool


@dataclass(frozen=True, slots=True)
class Features:
    """Named features of an explanation, column by column; iterating gives a `Feature` each.

    Attributes
    ----------
    feature, modality, mechanism : ndarray of object
        Text.
    value, contribution, top_k_share : ndarray of float
        NaN where there is none.
    stable : ndarray of bool
    """

    feature: np.ndarray
    modality: np.ndarray
    mechanism: np.ndarray
    value: np.ndarray
    contribution: np.ndarray
    top_k_share: np.ndarray
    stable: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[Feature]) -> Self:
        """Features that are given one by one."""
        given = list(rows)
        columns = {name: [getattr(row, name) for row in given] for name in _KINDS}
        return cls(*(np.array(columns[name], kind) for name, kind in _KINDS.items()))

    def __len__(self) -> int:
        return len(self.feature)

    def __iter__(self) -> Iterator[Feature]:
        columns = (getattr(self, name).tolist() for name in _KINDS)
        for feature, modality, mechanism, value, contribution, share, stable in zip(
            *columns, strict=True
        ):
            yield Feature(
                str(feature),
                str(modality),
                str(mechanism),
                finite(value),
                contribution,
                finite(share),
                stable,
            )


_KINDS: dict[str, type] = {
    "feature": object, "modality": object, "mechanism": object,
    "value": float, "contribution": float, "top_k_share": float, "stable": bool,
}  # fmt: skip
NO_FEATURES = Features.of([])


@dataclass(frozen=True, slots=True)
class Marker:
    """A drug's marker in one sample, and what it alone would say.

    Attributes
    ----------
    gene : str or None
        None where no marker of the drug is known.
    value, percentile, prediction, p_resistant : float or None
        As in ``scores.parquet``; None where it was not measured.
    """

    gene: str | None
    value: float | None
    percentile: float | None
    prediction: float | None
    p_resistant: float | None


@dataclass(frozen=True, slots=True)
class DrugScore:
    """The scores, explanation and evidence of one sample and one drug.

    Attributes
    ----------
    drug : str
    prediction, base_value : float
        Response units.
    lower, upper : float or None
        None where there is no interval.
    unmeasured : int
        Features of the sub-model that the sample lacks.
    unmeasured_share : float or None
        Share of the sub-model's weight on them, 0 to 1.
    observed : float or None
        Response of a training line.
    percentile, applicability, agreement : float or None
        `agreement` is that of the explanation over folds, -1 to 1.
    p_resistant : float or None
        0 to 1; None where it is not known.
    reference : str
        What percentile and call refer to: ``lines``, or the name of a cohort of tumours.
    call : str
    reasons : tuple of str
        Codes, as in the file.
    modalities : str
        Of the sample, ``;``-joined.
    marker : Marker
    by_modality, by_mechanism : dict of str to float
        Sums of contributions; modalities that the model lacks are left out.
    features : Features
        Largest contribution first.
    rest : float
        Sum of the contributions of all other features.
    evidence : tuple of mapping
        Rows of ``evidence.parquet``.
    """

    drug: str
    prediction: float
    lower: float | None
    upper: float | None
    percentile: float | None
    p_resistant: float | None
    reference: str
    call: str
    reasons: tuple[str, ...]
    modalities: str
    applicability: float | None
    unmeasured: int
    unmeasured_share: float | None
    observed: float | None
    base_value: float
    agreement: float | None
    marker: Marker
    by_modality: dict[str, float]
    by_mechanism: dict[str, float]
    features: Features
    rest: float
    evidence: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class SampleScores:
    """The scores of one sample, drug by drug in the folder's order.

    Attributes
    ----------
    sample : str
    drugs : tuple of DrugScore
    her2, her2_assay : str or None
        ``high`` or ``not high``, and what decided; None where nothing does.
    """

    sample: str
    drugs: tuple[DrugScore, ...]
    her2: str | None = None
    her2_assay: str | None = None


def assemble(
    sample: str,
    scores: Columns,
    explanations: Columns,
    mechanisms: Columns,
    evidence: Sequence[Mapping[str, Any]],
) -> SampleScores:
    """Put the rows of one sample together, drug by drug.

    Parameters
    ----------
    sample : str
    scores, explanations, mechanisms : mapping of str to ndarray
        Its rows of each table, as `serving.disk.columns` has them.
    evidence : sequence of mapping
        Its rows of that table.
    """
    features, rest = _explained(explanations)
    sums: dict[str, dict[str, float]] = {}
    for drug, mechanism, moved in _cells(mechanisms, "drug", "mechanism", "contribution"):
        sums.setdefault(str(drug), {})[mechanism] = moved
    facts: dict[str, list[Mapping[str, Any]]] = {}
    for row in evidence:
        facts.setdefault(str(row["drug"]), []).append(row)
    modalities = [
        (column, column.removeprefix(_BY_MODALITY))
        for column in scores
        if column.startswith(_BY_MODALITY)
    ]
    drugs = []
    for row in rows_of(scores):
        drug = str(row["drug"])
        drugs.append(
            DrugScore(
                drug=drug,
                prediction=float(row["prediction"]),
                lower=finite(row["lower"]),
                upper=finite(row["upper"]),
                percentile=finite(row["resistance_percentile"]),
                p_resistant=finite(row["p_resistant"]),
                reference=str(row["reference"]),
                call=str(row["call"]),
                reasons=tuple(filter(None, str(row["reasons"] or "").split(";"))),
                modalities=str(row["modalities"] or ""),
                applicability=finite(row["applicability"]),
                unmeasured=int(row["unmeasured"]),
                unmeasured_share=finite(row["unmeasured_share"]),
                observed=finite(row["observed"]),
                base_value=float(row["base_value"]),
                agreement=finite(row["explanation_agreement"]),
                marker=_marker(row),
                by_modality={
                    name: moved
                    for column, name in modalities
                    if (moved := finite(row[column])) is not None
                },
                by_mechanism=sums.get(drug, {}),
                features=features.get(drug, NO_FEATURES),
                rest=rest.get(drug, 0.0),
                evidence=tuple(facts.get(drug, ())),
            )
        )
    told = [scores[name][0] or None for name in ("her2", "her2_assay")] if drugs else []
    return SampleScores(sample, tuple(drugs), *told)


def _explained(explanations: Columns) -> tuple[dict[str, Features], dict[str, float]]:
    """Named features of each drug, and the sum of all others'."""
    named = explanations["feature"] != OTHER
    columns = {
        name: explanations[name][named].astype(kind, copy=False)
        for name, kind in (("drug", object), *_KINDS.items())
    }
    features = {
        drug: Features(*(rows[name] for name in _KINDS)) for drug, rows in by_drug(columns).items()
    }
    rest: dict[str, float] = {}
    others = {name: explanations[name][~named] for name in ("drug", "contribution")}
    for drug, moved in _cells(others, "drug", "contribution"):
        rest[str(drug)] = rest.get(str(drug), 0.0) + moved
    return features, rest


def _cells(columns: Columns, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(columns[name].tolist() for name in names), strict=True)


def _marker(row: Mapping[str, Any]) -> Marker:
    """The marker of a row of scores; none in one of an older version."""
    gene = row.get("marker")
    return Marker(
        gene if isinstance(gene, str) else None,
        *(finite(row.get(name)) for name in _OF_MARKER),
    )


def finite(value: Any) -> float | None:
    """The number; None for one that is missing, or not finite, as JSON needs it."""
    return None if value is None or not math.isfinite(value) else float(value)
