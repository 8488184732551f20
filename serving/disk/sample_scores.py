"""One sample's scores, explanations and evidence of all drugs, put together from their tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: The row of ``explanations.parquet`` that sums all features which are not named.
OTHER = "(other)"

_BY_MODALITY = "contribution_"


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
    features : tuple of Feature
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
    features: tuple[Feature, ...]
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
    scores: list[dict[str, Any]],
    explanations: list[dict[str, Any]],
    mechanisms: list[dict[str, Any]],
    evidence: list[dict[str, Any]],
) -> SampleScores:
    """Put the rows of one sample together, drug by drug.

    Parameters
    ----------
    sample : str
    scores, explanations, mechanisms, evidence : list of dict
        Its rows of each table.
    """
    features, sums, facts = (_by_drug(rows) for rows in (explanations, mechanisms, evidence))
    drugs = []
    for row in scores:
        drug = str(row["drug"])
        moved = features.get(drug, [])
        named = [_feature(one) for one in moved if one["feature"] != OTHER]
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
                marker=marker_of(row),
                by_modality=_modality_sums(row),
                by_mechanism={
                    one["mechanism"]: float(one["contribution"]) for one in sums.get(drug, [])
                },
                features=tuple(named),
                rest=sum(one["contribution"] for one in moved if one["feature"] == OTHER),
                evidence=tuple(facts.get(drug, [])),
            )
        )
    told = [scores[0][name] or None for name in ("her2", "her2_assay")] if scores else []
    return SampleScores(sample, tuple(drugs), *told)


def marker_of(row: Mapping[str, Any]) -> Marker:
    """The marker of a row of scores; none in one of an older version."""
    gene = row.get("marker")
    return Marker(
        gene if isinstance(gene, str) else None,
        *(
            finite(row.get(f"marker_{name}"))
            for name in ("value", "percentile", "prediction", "p_resistant")
        ),
    )


def _by_drug(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    by_drug: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_drug.setdefault(str(row["drug"]), []).append(row)
    return by_drug


def _feature(row: Mapping[str, Any]) -> Feature:
    return Feature(
        feature=str(row["feature"]),
        modality=str(row["modality"]),
        mechanism=str(row["mechanism"]),
        value=finite(row["value"]),
        contribution=float(row["contribution"]),
        top_k_share=finite(row["top_k_share"]),
        stable=bool(row["stable"]),
    )


def _modality_sums(row: Mapping[Any, Any]) -> dict[str, float]:
    sums = {
        str(name).removeprefix(_BY_MODALITY): finite(value)
        for name, value in row.items()
        if str(name).startswith(_BY_MODALITY)
    }
    return {name: value for name, value in sums.items() if value is not None}


def finite(value: Any) -> float | None:
    """The number; None for one that is missing, or not finite, as JSON needs it."""
    return None if value is None or not math.isfinite(value) else float(value)
