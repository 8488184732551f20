"""Made-up score folders, with the columns that `sidestep score` writes and sums that hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

#: Names that a careless page would run, or a spreadsheet would compute.
SCRIPT, FORMULA = "<script>alert(1)</script>", "=cmd()"
MECHANISMS = (
    "HER2 drive", "other RTK bypass", "PI3K/AKT/MTOR", "RAS/MAPK", "cell cycle and mitosis",
    "apoptosis", "senescence", "EMT", "DNA damage", "hormone", "stroma", "other",
)  # fmt: skip
MODALITIES = ("expression", "rppa", "mutation", "copy_number", "signature", "clinical")
GENES = (
    "ERBB2 GRB7 EGFR ERBB3 MET IGF1R PIK3CA PTEN AKT1 MTOR KRAS MAP2K1 CCNE1 CDK4 PLK1 BCL2 "
    "BAX CDKN2A VIM CDH1 TP53 BRCA1 ESR1 PGR FAP COL1A1 GATA3 MYC RB1 FGFR1"
).split()
DRUGS = (
    ("Lapatinib", "EGFR/HER2 inhibitor", ["ERBB2", "EGFR"]),
    ("Neratinib", "pan-HER inhibitor", ["ERBB2", "EGFR", "ERBB4"]),
    ("Everolimus", "MTOR inhibitor", ["MTOR"]),
    ("Palbociclib", "CDK4/6 inhibitor", ["CDK4", "CDK6"]),
    ("Nothing-1", None, []),
)
DrugFacts = tuple[str, str | None, list[str]]
LEVEL, SPREAD = 0.8, 0.7
FEATURES = [
    *(f"{modality}:{gene}" for modality in MODALITIES[:4] for gene in GENES),
    "clinical:SUBTYPE=HER2",
]
OF_MODALITY = np.array([feature.split(":")[0] for feature in FEATURES])
OF_MECHANISM = np.array([*np.tile(np.resize(MECHANISMS, len(GENES)), 4), "other"])
ALL, EXPRESSION = ";".join(MODALITIES), "expression;clinical"


def write_folder(
    folder: Path,
    *,
    samples: tuple[str, ...] = ("SKBR3", "BT474", "MDAMB231", SCRIPT, FORMULA, "A/../B"),
    drugs: tuple[DrugFacts, ...] = DRUGS,
    top_k: int = 20,
    higher_is_resistant: bool = False,
    evidence: bool = True,
    simulated: bool = True,
    known: tuple[str, ...] = (),
    attributes: pd.DataFrame | None = None,
    her2: tuple[str | None, ...] = (),
) -> Path:
    """Write a folder; the last drug has no skill, and the last sample lacks RPPA and intervals.

    The samples `known` are training lines. `attributes` are clinical ones, with the samples as
    index; `her2` has each sample's HER2 status, ``"not high"`` by default.
    """
    folder.mkdir()
    rng = np.random.default_rng(7)
    rows: dict[str, list[dict[str, Any]]] = {"scores": [], "explanations": [], "mechanisms": []}
    reference = []
    for name, _, _ in drugs:
        base = rng.uniform(5, 6)
        lines = np.quantile(rng.normal(base, SPREAD, 40), np.linspace(0, 1, 101))
        predicted = base + 0.6 * (lines - base)
        reference += [_reference(name, which, lines, predicted) for which in (ALL, EXPRESSION)]
        weights = rng.exponential(1.0, len(FEATURES)) ** 1.5
        for sample in samples:
            lacking = sample == samples[-1]
            has = np.array([not lacking or one.startswith("expression") for one in FEATURES])
            contributions = np.where(has, rng.normal(0, 0.02, len(FEATURES)) * weights, 0.0)
            place = float(np.mean(predicted <= base + contributions.sum()) * 100)
            key = {"sample_id": sample, "drug": name}
            score = _score(
                rng, base, contributions, lacking=lacking, poor=name == drugs[-1][0],
                higher_is_resistant=higher_is_resistant,
            )  # fmt: skip
            score["resistance_percentile"] = place if higher_is_resistant else 100 - place
            score["reference"] = "lines"
            if sample in known:
                score["reasons"] = ";".join(filter(None, [score["reasons"], "IN_TRAINING"]))
                score["observed"] = base + 0.25
            if her2:
                score["her2"] = her2[samples.index(sample)]
                score["her2_assay"] = score["her2"] and "HER2_STATUS"
            rows["scores"].append(key | score)
            rows["explanations"] += [key | one for one in _explained(rng, contributions, top_k)]
            rows["mechanisms"] += [
                key | {"mechanism": one, "contribution": contributions[one == OF_MECHANISM].sum()}
                for one in MECHANISMS
            ]
    for table, cells in rows.items():
        _write(folder / f"{table}.parquet", cells, samples)
    pd.concat(reference).to_parquet(folder / "reference.parquet", index=False)
    if evidence:
        fact = {
            "sample_id": samples[0], "drug": drugs[0][0], "direction": "sensitive",
            "fact": "ERBB2 amplification <b>sensitises</b>", "strength": "clinical",
            "kind": "amplification",
            "source": "PMID:17192538", "agreement": "agrees",
            "statement": "Lines with it die <i>first</i>.", "alternatives": "Neratinib;Afatinib",
        }  # fmt: skip
        pd.DataFrame([fact]).to_parquet(folder / "evidence.parquet", index=False)
    if attributes is not None:
        named = attributes.rename_axis("sample_id").reset_index()
        named.to_parquet(folder / "samples.parquet", index=False)
    scores = pd.DataFrame(rows["scores"])
    manifest = _manifest(samples, drugs, scores, higher_is_resistant, simulated)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _reference(
    drug: str, modalities: str, observed: np.ndarray, predicted: np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {"drug": drug, "reference": "lines", "modalities": modalities, "quantile": np.arange(101),
         "predicted": predicted, "observed": observed}
    )  # fmt: skip


def _score(
    rng: np.random.Generator,
    base: float,
    contributions: np.ndarray,
    *,
    lacking: bool,
    poor: bool,
    higher_is_resistant: bool,
) -> dict[str, Any]:
    """One row of the scores, without sample, drug and percentile."""
    prediction = base + contributions.sum()
    half = np.nan if lacking else SPREAD * rng.uniform(0.3, 1.3)
    sign = 1 if higher_is_resistant else -1
    p_resistant = 0.5 + 0.5 * np.tanh(0.6 * sign * (prediction - base) / half)
    call = "uncertain"
    if poor or lacking:
        call = "abstain"
    elif abs(p_resistant - 0.5) >= 0.25:
        call = "resistant" if p_resistant > 0.5 else "sensitive"
    reasons = ["NO_INTERVAL"] if lacking else []
    reasons += ["DRUG_WORSE_THAN_BASELINE"] if poor else []
    reasons += [f"MODALITY_MISSING:{one}" for one in MODALITIES[1:4]] if lacking else []
    sums = {f"contribution_{one}": contributions[one == OF_MODALITY].sum() for one in MODALITIES}
    return {
        "response": "demo_gi50",
        "unit": "-log10 of GI50 in molar",
        "prediction": prediction,
        "lower": prediction - half,
        "upper": prediction + half,
        "level": LEVEL,
        "p_resistant": p_resistant,
        "threshold": base,
        "call": call,
        "reasons": ";".join(reasons),
        "modalities": EXPRESSION if lacking else ALL,
        "applicability": rng.uniform(),
        "unmeasured": 0,
        "unmeasured_share": 0.0,
        "observed": np.nan,
        "marker": "ERBB2",
        "marker_value": 4.0 * contributions[0],
        "marker_percentile": 50.0 + 50.0 * np.tanh(4.0 * contributions[0]),
        "marker_prediction": base + contributions[0],
        "marker_p_resistant": 0.5 - 0.4 * np.tanh(4.0 * contributions[0]),
        "base_value": base,
        **sums,
        "model_name": "demo-panel",
        "model_version": "3",
        "explanation_agreement": rng.uniform(0.2, 0.95),
        "her2": "not high",
        "her2_assay": "ERBB2 copy number",
    }


def _explained(
    rng: np.random.Generator, contributions: np.ndarray, top_k: int
) -> list[dict[str, Any]]:
    """Rows of the explanation of one sample and drug, without these."""
    order = np.argsort(-np.abs(contributions), kind="stable")[:top_k]
    rows: list[dict[str, Any]] = []
    for rank, at in enumerate(order, start=1):
        share = rng.choice([0.0, 0.4, 0.6, 0.8, 1.0])
        rows.append(
            {
                "rank": rank, "feature": FEATURES[at], "modality": OF_MODALITY[at],
                "mechanism": OF_MECHANISM[at], "value": rng.normal(0, 1.5),
                "contribution": contributions[at], "top_k_share": share,
                "stable": bool(share >= 0.6),
            }
        )  # fmt: skip
    rest = np.delete(contributions, order).sum()
    return [*rows, {"rank": len(rows) + 1, "feature": "(other)", "contribution": rest}]


def _write(path: Path, rows: list[dict[str, Any]], samples: tuple[str, ...]) -> None:
    """Rows sample after sample, as `sidestep score` writes them."""
    table = pd.DataFrame(rows)
    order = table["sample_id"].map({sample: n for n, sample in enumerate(samples)})
    table.iloc[order.argsort(kind="stable")].to_parquet(path, index=False)


def _manifest(
    samples: tuple[str, ...],
    drugs: tuple[DrugFacts, ...],
    scores: pd.DataFrame,
    higher_is_resistant: bool,
    simulated: bool,
) -> dict[str, Any]:
    count = len(samples)
    present = {"expression": count, "rppa": count - 1, "mutation": count - 1,
               "copy_number": count - 1, "clinical": count}  # fmt: skip
    return {
        "kind": "sidestep scores",
        "simulated": simulated,
        "model": {
            "name": "demo-panel",
            "version": "3",
            "digest": "0" * 64,
            "training_study": {"id": "lines", "name": "Made-up breast lines", "digests": {}},
            "simulated": simulated,
            "response": "demo_gi50",
            "unit": "-log10 of GI50 in molar",
            "higher_is_resistant": higher_is_resistant,
        },
        "study": {
            "id": "demo_cohort",
            "name": "Demonstration cohort",
            "path": "/somewhere/private",
            "digests": {},
            "simulated": simulated,
            "warnings": ["data_rppa.txt, row 12: antibody X is not known; it is left out"],
            "account": [
                {
                    "file": "data_rppa.txt",
                    "kind": "PROTEIN_LEVEL",
                    "understood": "protein levels of 8 antibodies",
                    "unit": "log2",
                    "decided_by": "the datatype",
                    "not_understood": {"<b>X</b>": 1},
                }
            ],
        },
        "counts": {
            "samples": count + 1,
            "samples_scored": count,
            "samples_quarantined": 1,
            "drugs": len(drugs),
            "rows": len(scores),
            "calls": scores["call"].value_counts().to_dict(),
        },
        "coverage": {
            name: {"samples": had, "mean_share_of_features": 0.93 if had else None}
            for name, had in present.items()
        },
        "quarantined": {"EMPTY-1": "no modality of the model was measured"},
        "options": {
            "knowledge": {"databases": ["CIViC"], "missing": {"Reactome": "any.gmt"}},
            "drugs": [name for name, _, _ in drugs],
            "top_k": 20,
            "level": LEVEL,
            "her2_context": False,
            "call_at": 0.75,
        },
        "shift": {
            "expression": {
                "verdict": "strong",
                "median_difference": 0.91,
                "p_value": 0.001,
                "weight": 0.6,
            },
            "rppa": {"verdict": "shifted", "median_difference": 0.31, "p_value": 0.004},
            "mutation": {"verdict": "none", "median_difference": 0.05, "p_value": 0.4},
            "copy_number": {"verdict": "too few samples", "median_difference": None},
        },
        "drugs": [
            {
                "name": name,
                "drug_class": drug_class,
                "targets": targets,
                "n_lines": 38,
                "pearson": [0.62, 0.41, 0.78],
                "best_baseline": {"name": "ERBB2 level", "pearson": 0.5},
                "gain": {
                    "verdict": "better" if name != drugs[-1][0] else "worse",
                    "probability": 0.99 if name != drugs[-1][0] else 0.01,
                    "baseline": "marker",
                    "difference": 0.1,
                },
                "typical_response": float(scores.loc[scores["drug"] == name, "base_value"].iloc[0]),
                "threshold": {
                    "value": float(scores.loc[scores["drug"] == name, "base_value"].iloc[0]),
                    "kind": "median",
                    "share_at_end": 0.03,
                },
            }
            for name, drug_class, targets in drugs
        ],
        "software": {"sidestep": "0.1.0"},
    }
