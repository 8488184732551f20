"""The content of ``manifest.json``: what was scored, with what, and what was left out.

It is drawn from sums over the chunks of a job, which no order or size of chunks changes. They grow
with the number of samples that could not be scored, and with nothing else.
"""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sidestep.features.builders.signature import SignatureScoreBuilder
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.study.on_disk import SampleSource, StoredStudy
from sidestep.features.study.responses import CONTINUOUS
from sidestep.features.vocabulary.account import plain_account
from sidestep.models.estimators.patterns import least_share
from sidestep.models.predictor.cohort import LINES, TumourCohort
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.registry.load import LoadedModel
from sidestep.models.versions import software_versions
from sidestep.serving.disk.coded import plain
from sidestep.serving.disk.sample_scores import finite
from sidestep.serving.scoring.chunk import TABLES, ScoredChunk

#: What every comparison of regimens rests on.
CAVEAT = (
    "What the model expects under another regimen rests on the patients of the trial that it "
    "learned from, who were given regimens as that trial assigned them; it is no estimate of what "
    "a change of treatment would do to a patient. Research only: not a medical device."
)
#: Columns of the scores that are summed up.
_COUNTED = ["sample_id", "call", "regimen", "reference", "modalities", "her2", "her2_assay"]
# What makes the numbers and the files.
_PACKAGES = ("sidestep", "pandas", "numpy", "pyarrow", "scikit-learn", "xgboost")


@dataclass
class Tally:
    """Sums over chunks.

    Attributes
    ----------
    samples : int
    shares : dict of str to Counter
        Modality -> share of its features that a sample has -> samples; without those whose
        features could not be built.
    quarantined : dict of str to str
        Sample -> why it has no scores.
    calls : Counter
        Call -> rows that have it.
    compared : Counter
        What scored rows are compared with, and the modalities of their samples -> rows.
    regimens : set of str
        Under which samples were answered.
    her2 : dict of str to Counter
        What decided whether samples are HER2-high -> ``high`` or ``not high`` -> samples.
    """

    samples: int = 0
    shares: defaultdict[str, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    quarantined: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    compared: Counter[tuple[str, str]] = field(default_factory=Counter)
    regimens: set[str] = field(default_factory=set)
    her2: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, part: ScoredChunk) -> None:
        """Count one more chunk."""
        self.samples += len(part.coverage)
        for name, shares in part.coverage.items():
            known = shares.to_numpy(float)
            self.shares[str(name)].update(known[np.isfinite(known)].tolist())
        self.quarantined |= part.quarantined
        scores = plain(part.rows["scores"].select(_COUNTED))
        self.calls.update(scores["call"].drop_null().to_pylist())
        self.regimens.update(scores["regimen"].drop_null().unique().to_pylist())
        pairs = (scores[name].to_pylist() for name in ("reference", "modalities"))
        self.compared.update(zip(*pairs, strict=True))
        told = scores.select(["sample_id", "her2", "her2_assay"]).to_pandas()
        for row in told.drop_duplicates("sample_id").dropna().itertuples():
            self.her2[row.her2_assay][row.her2] += 1


def describe(
    study: SampleSource,
    model: LoadedModel,
    drugs: Sequence[DrugModel],
    options: Mapping[str, Any],
    tally: Tally,
    shift: Mapping[str, Any],
) -> dict[str, Any]:
    """Contents of the manifest, as plain values.

    No time of day is in it: the same study and model give the same manifest.

    Parameters
    ----------
    study : Study or StoredStudy
    model : LoadedModel
    drugs : sequence of DrugModel
        Those scored.
    options : mapping
        What was asked for; nothing that leaves no trace in the scores.
    tally : Tally
        Of all chunks.
    shift : mapping
        As `serving.scoring.drift.drift_section` returns.
    """
    n_scored = tally.samples - len(tally.quarantined)
    trained_on_simulated = bool(model.predictor.training.get("simulated", False))
    return {
        "simulated": study.simulated or trained_on_simulated or _simulated_cohort(model, tally),
        "model": _model(model, trained_on_simulated),
        "study": {
            "id": study.study_id,
            "name": study.name,
            "path": None if study.path is None else study.path.resolve().as_posix(),
            "digests": dict(study.digests),
            "simulated": study.simulated,
            "profiles": dict(study.profiles),
            "warnings": [p.message for p in study.problems if p.severity == "warning"],
            "account": plain_account(study.account),
        },
        "counts": {
            "samples": tally.samples,
            "samples_scored": n_scored,
            "samples_quarantined": len(tally.quarantined),
            "drugs": len(drugs),
            "rows": sum(tally.calls.values()),
            "calls": dict(tally.calls),
        },
        "coverage": {name: _coverage(name, shares) for name, shares in tally.shares.items()},
        "computed_signatures": _computed_signatures(study, model),
        "her2": {
            "cutoffs": asdict(model.predictor.her2.cutoffs),
            "decided_by": {assay: dict(counts) for assay, counts in sorted(tally.her2.items())},
        },
        "drugs": [
            _drug(model, drug, tally.regimens, her2_context=options["her2_context"])
            for drug in drugs
        ],
        "references": _references(model, tally),
        "shift": dict(shift),
        "quarantined": dict(tally.quarantined),
        "options": dict(options),
        "software": software_versions(*_PACKAGES),
    }


def job_digest(
    study: SampleSource, model: LoadedModel, options: Mapping[str, Any], chunk: int
) -> str:
    """Digest (sha256) of everything that the chunks of a scoring job depend on.

    Two jobs with the same digest make the same chunks, so that one can go on with the other's.
    A study or model without digests of its files is like no other.

    Parameters
    ----------
    study : Study or StoredStudy
        As it was read; `study.digests` stand for its content.
    model : LoadedModel
    options : mapping
        As in `describe`.
    chunk : int
        Samples a chunk.
    """
    parts: dict[str, Any] = {
        "study": dict(study.digests) or secrets.token_hex(),
        "samples": list(study.samples),
        "model": [model.name, model.version, model.digest or secrets.token_hex()],
        "options": dict(options),
        "chunk": chunk,
        "columns": [str(schema) for schema in TABLES.values()],
        "software": software_versions(*_PACKAGES),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _model(model: LoadedModel, simulated: bool) -> dict[str, Any]:
    scale, training = model.predictor.scale, model.predictor.training
    return {
        "name": model.name,
        "version": model.version,
        "digest": model.digest,
        "training_study": {
            "id": training.get("study_id"),
            "name": training.get("study_name"),
            "digests": training.get("digests", {}),
        },
        "simulated": simulated,
        "response": scale.stable_id,
        "unit": scale.unit,
        "higher_is_resistant": scale.higher_is_resistant,
    }


def _computed_signatures(study: SampleSource, model: LoadedModel) -> list[str]:
    """Signatures of the model that were computed from the study's genes."""
    small = study.small if isinstance(study, StoredStudy) else study
    if study.expression is None:
        return []
    given = [] if small.signatures is None else [str(name) for name in small.signatures.columns]
    return [
        name
        for builder in model.predictor.joiner.builders_
        if isinstance(builder, SignatureScoreBuilder)
        for name in builder.computed_of(given)
    ]


def _references(model: LoadedModel, tally: Tally) -> dict[str, Any]:
    """What the rows are answered among: how many each, and of cohorts what they are."""
    rows: Counter[str] = Counter()
    for (reference, _), count in tally.compared.items():
        rows[reference] += count
    return {
        name: {"rows": count, **(_cohort(model.references[name]) if name != LINES else {})}
        for name, count in sorted(rows.items())
    }


def _simulated_cohort(model: LoadedModel, tally: Tally) -> bool:
    names = {reference for reference, _ in tally.compared}
    return any(model.references[name].simulated for name in names - {LINES})


def _cohort(cohort: TumourCohort) -> dict[str, Any]:
    """What a manifest says of a cohort of tumours."""
    return {
        "tumours": cohort.n,
        "study": cohort.study_id,
        "where": cohort.where,
        "simulated": cohort.simulated,
        "told": dict(cohort.told),
        "shift": [dict(row) for row in cohort.account],
    }


def _drug(
    model: LoadedModel, drug: DrugModel, regimens: Collection[str], *, her2_context: bool
) -> dict[str, Any]:
    """What is known of a drug, and how well cross-validation found it to be predicted."""
    known = find_drug(drug.name)
    headline = model.predictor.scale.headline
    typical = model.predictor.typical_response(drug, her2_context=her2_context)
    threshold = asdict(model.predictor.threshold(drug, her2_context=her2_context))
    return {
        "name": drug.name,
        "drug_class": None if known is None else known.drug_class,
        "targets": [] if known is None else list(known.targets),
        "n_lines": drug.n_lines,
        **_of_patients(model, regimens),
        headline: [finite(number) for number in drug.metrics["blend"][headline]],
        "best_baseline": _best_baseline(
            drug, headline, "marker" if known is None else known.marker
        ),
        "gain": asdict(drug.gain),
        "typical_response": finite(typical),
        "threshold": threshold | {"value": finite(threshold["value"])},
    }


def _of_patients(model: LoadedModel, scored: Collection[str]) -> dict[str, Any]:
    """What is said of a binary response: its metric, its words, and regimens; nothing of lines.

    The regimens are those of the model, and then those `scored` that it has never seen.
    """
    scale, builder = model.predictor.scale, model.predictor.joiner.regimens
    if scale.kind == CONTINUOUS:
        return {}
    known = [] if builder is None else list(builder.regimens_)
    return {
        "metric": scale.headline,
        "event": scale.event,
        "grouping": scale.grouping,
        "regimens": [*known, *sorted(set(scored) - set(known))],
        "regimen_attribute": None if builder is None else builder.attribute,
        "caveat": CAVEAT,
    }


def _best_baseline(drug: DrugModel, headline: str, marker: str) -> dict[str, Any] | None:
    """The baseline of the highest headline, and that; None where none was measured."""
    shown = {
        "drug_mean": "drug mean",
        "lineage_mean": "lineage mean",
        "marker": f"{marker} level",
        "rate": "rate",
        "regimen_rate": "rate of the regimen",
        "receptors": "receptors",
        "her2_amplicon": "HER2 amplicon score",
        "luminal": "luminal score",
        "immune": "immune score",
    }
    found = {
        # What predicts one number for all lines has no correlation, and is worth as much as r = 0.
        name: finite(drug.metrics[method][headline][0]) or 0.0
        for method, name in shown.items()
        if method in drug.metrics
    }
    best = max(found, key=found.__getitem__, default=None)
    return None if best is None else {"name": best, headline: found[best]}


def _coverage(modality: str, shares: Mapping[float, int]) -> dict[str, Any]:
    """Samples that have a modality, and the mean share of its features that these have.

    A sample with fewer features than sub-models ask for does not have the modality.
    """
    least = least_share(modality)
    present = {share: n for share, n in shares.items() if share > 0 and share >= least}
    count = sum(present.values())
    total = math.fsum(share * n for share, n in present.items())
    return {
        "samples": count,
        "mean_share_of_features": round(total / count, 6) if count else None,
    }
