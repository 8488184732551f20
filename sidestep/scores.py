"""Scores of a study in memory: data frames, explanations, partners, other formats."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.explained import Explained
from sidestep.features.errors import InputError, require_at_least, some
from sidestep.features.optional import needed
from sidestep.features.study.study import Study
from sidestep.models.predictor.shap_values import unseen_explanation
from sidestep.models.registry.load import LoadedModel
from sidestep.serving.combinations.folder import Wanted, find_partners, scored_drugs
from sidestep.serving.combinations.rows import COMBINATIONS
from sidestep.serving.disk.regimens import described, label_of
from sidestep.serving.explain.answer import answer
from sidestep.serving.memory import ScoredStudy
from sidestep.serving.source import Source

if TYPE_CHECKING:
    import anndata
    import shap

#: What to change, as `sidestep explain --set` takes it: ``"ERBB2=+2sd"``, several of them, or
#: ``{"ERBB2": "+2sd"}``.
Changes = str | Sequence[str] | Mapping[str, str | float]
_SHOWN = 10
_BRIEF = [
    "sample_id",
    "drug_name",
    "drug",
    "prediction",
    "lower",
    "upper",
    "resistance_percentile",
    "p_resistant",
    "call",
]
# Columns of the scores that are words, not numbers.
_WORDS = ("call", "reasons")
_OF_SAMPLES = ("modalities",)


class Scores:
    """What a model says of every sample of a study, in memory.

    `sidestep.score` makes it. Each table equals the file of its name that `sidestep score` writes.

    Parameters
    ----------
    scored : ScoredStudy
    study : Study
        The study that was scored.
    """

    def __init__(self, scored: ScoredStudy, study: Study) -> None:
        self._scored = scored
        self.study = study

    @property
    def model(self) -> LoadedModel:
        """The model that scored."""
        return self._scored.job.model

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row a sample and drug: prediction, interval, percentile, call, reasons and more."""
        return self._frame("scores")

    @cached_property
    def explanations(self) -> pd.DataFrame:
        """The features that move each prediction most, and the sum of all others."""
        return self._frame("explanations")

    @cached_property
    def mechanisms(self) -> pd.DataFrame:
        """Contribution of each mechanism to each prediction."""
        return self._frame("mechanisms")

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """Published facts that apply to each sample and drug, with their sources."""
        return self._frame("evidence")

    @cached_property
    def gene_sets(self) -> pd.DataFrame:
        """Gene sets of larger databases that a sample is extreme in."""
        return self._frame("gene_sets")

    @cached_property
    def reference(self) -> pd.DataFrame:
        """Quantiles of what was predicted for the training lines, and of what was observed."""
        return self._frame("reference")

    @cached_property
    def attributes(self) -> pd.DataFrame:
        """What is written of each sample: its clinical attributes."""
        return self._frame("samples")

    @property
    def manifest(self) -> dict[str, Any]:
        """With what it was made and what was left out, as ``manifest.json`` has it."""
        return dict(self._scored.manifest)

    @property
    def samples(self) -> list[str]:
        """Samples that have scores, in the order of the study."""
        apart = self.quarantined
        scored = self._scored.job.study.samples
        return [str(sample) for sample in scored if sample not in apart]

    @property
    def drugs(self) -> list[str]:
        """Drugs that were scored, in the model's order."""
        return [drug.name for drug in self._scored.job.drugs]

    @property
    def quarantined(self) -> dict[str, str]:
        """Samples without scores, and why."""
        return dict(self._scored.manifest["quarantined"])

    def table(self, column: str = "prediction") -> pd.DataFrame:
        """One column of `scores` as samples x drugs; of patients, as samples x regimens.

        Parameters
        ----------
        column : str
            Such as ``"prediction"``, ``"resistance_percentile"`` or ``"call"``.

        Raises
        ------
        InputError
            If the scores have no such column.
        """
        if column not in self.scores.columns:
            there = ", ".join(map(str, self.scores.columns))
            raise InputError(f"the scores have no column {column!r}; give one of {there}")
        named = [
            label_of(drug, regimen if isinstance(regimen, str) else None)
            for drug, regimen in zip(self.scores["drug"], self.scores["regimen"], strict=True)
        ]
        wide = self.scores.assign(drug=named).pivot(
            index="sample_id", columns="drug", values=column
        )
        columns = [drug["name"] for drug in described(self.manifest)["drugs"]]
        unseen = sorted(set(wide.columns) - set(columns))
        return wide.loc[self.samples, [*columns, *unseen]]

    def explain(
        self, sample: str, drug: str, set: Changes | None = None, *, top_k: int = 10
    ) -> Explained:
        """Say why the model predicts what it does, or what it would if the sample were different.

        Parameters
        ----------
        sample, drug : str
            Regardless of case and punctuation; the drug also by a synonym.
        set : str, sequence or mapping, optional
            What to change: ``"ERBB2=+2sd"``, or ``{"mutation:PIK3CA": 1}``, and so on, as
            ``sidestep explain --set`` takes it. Without it, the smallest changes that would change
            the call are looked for.
        top_k : int
            Features named.

        Raises
        ------
        InputError
            If sample, drug or a change is not known or cannot be used, or `top_k` is not 1 or more.
        """
        require_at_least(top_k=(top_k, 1))
        source = self._source()
        return Explained(
            answer(
                source,
                sample,
                drug,
                _settings(set),
                top_k=top_k,
                level=source.level,
                her2_context=source.her2_context,
                call_at=source.call_at,
            )
        )

    def combine(
        self,
        at_least: float = 75.0,
        *,
        samples: Sequence[str] | None = None,
        drugs: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Name partner drugs for the samples that are predicted to resist a drug.

        Parameters
        ----------
        at_least : float
            Resistance percentile from which a drug counts as failing although the call is
            uncertain, or the model abstains.
        samples, drugs : sequence of str, optional
            Those to look at; samples as the scores name them, drugs also by a synonym. All by
            default.

        Returns
        -------
        DataFrame
            As ``combinations.parquet``: a row a sample, drug that fails and partner, with reason,
            caveat and source. No synergy is claimed.
        """
        if not 50 <= at_least <= 100:
            raise InputError(f"at_least is {at_least}; give a percentile from 50 to 100")
        source = self._source()
        unknown = sorted(set(samples or ()) - set(self.samples))
        if unknown:
            raise InputError(
                f"the scores have no sample {some(unknown)}; they have {some(self.samples, 3)}"
            )
        wanted = Wanted(
            None if samples is None else frozenset(samples),
            None if drugs is None else scored_drugs(self.scores, source, list(drugs)),
        )
        parts = [COMBINATIONS.empty_table()]
        find_partners(self.scores, source, at_least, parts.append, wanted)
        partners: pd.DataFrame = pa.concat_tables(parts).to_pandas()
        return partners

    def write(self, folder: str | Path, *, report: bool = True) -> Path:
        """Write the folder that `sidestep score` writes, whole or not at all.

        Parameters
        ----------
        folder : path
            A new or empty one, or an earlier output, which is replaced.
        report : bool
            Whether to draw ``report.html``.

        Raises
        ------
        InputError
            If the folder holds other files, or cannot be written.
        """
        self._scored.write(folder, report=report)
        return Path(folder)

    def shap_explanation(self, drug: str) -> shap.Explanation:
        """Contributions of all features to the predictions of one drug, for the plots of `shap`.

        Parameters
        ----------
        drug : str
            Regardless of case and punctuation, or a synonym.

        Returns
        -------
        shap.Explanation
            Rows are `samples`, columns all features of the drug's model, and of the models that
            answer for training lines: ``values`` in the response's unit, ``data`` (NaN where not
            measured), ``base_values``, ``feature_names``. Base value and values of a sample add up
            to its prediction.

        Raises
        ------
        InputError
            If the model has no such drug.
        """
        predictor = self.model.predictor
        (model,) = predictor.choose([drug])
        return unseen_explanation(predictor, model, self.study, self.samples)

    def to_anndata(self) -> anndata.AnnData:
        """The scores as samples x drugs, for scanpy and its kin.

        Returns
        -------
        anndata.AnnData
            ``X`` and the layer ``prediction`` are predictions; further layers are the other
            numbers of `scores` (``lower``, ``upper``, ``resistance_percentile``,
            ``applicability`` ...). ``obs`` has the clinical attributes and what each sample had
            measured, ``var`` what is known of each drug, ``obsm["call"]`` and ``obsm["reasons"]``
            the words, ``uns["sidestep"]`` the manifest as JSON.

        Raises
        ------
        InputError
            If anndata is not installed.
        """
        with needed("anndata", "to_anndata"):
            import anndata
        numbers = self.scores.select_dtypes("number").columns
        layers = {str(name): self.table(name).to_numpy(float) for name in numbers}
        first = self.scores.drop_duplicates("sample_id").set_index("sample_id")
        obs = self.study.clinical.loc[self.samples].assign(
            donor=self.study.donors.loc[self.samples],
            **{name: first.loc[self.samples, name] for name in _OF_SAMPLES},
        )
        return anndata.AnnData(
            X=layers["prediction"].copy(),
            obs=_without_arrow(obs),
            var=_without_arrow(self._drug_facts()),
            layers=layers,
            obsm={name: _without_arrow(self.table(name).fillna("")) for name in _WORDS},
            uns={"sidestep": json.dumps(self.manifest)},
        )

    def __repr__(self) -> str:
        """Samples, drugs and calls, in a few lines."""
        return "\n".join([self._title(), *self._remarks()])

    def _repr_html_(self) -> str:
        """The same and the first rows, for notebooks."""
        remarks = "".join(f"<br>{escape(remark)}" for remark in self._remarks())
        rows = self.scores[_BRIEF].head(_SHOWN).to_html(index=False, float_format="{:.3g}".format)
        more = len(self.scores) - _SHOWN
        rest = f"<p>and {more:,} more rows in <code>.scores</code></p>" if more > 0 else ""
        return f"<p><b>{escape(self._title())}</b>{remarks}</p>{rows}{rest}"

    def _title(self) -> str:
        made_up = " (simulated data)" if self._scored.manifest["simulated"] else ""
        return (
            f"Scores of {len(self.samples):,} sample(s) of {self.study.study_id} for "
            f"{len(self.drugs)} drug(s){made_up}"
        )

    def _remarks(self) -> list[str]:
        model = self.model
        unit = model.predictor.scale.unit
        counts = self.scores["call"].value_counts()
        calls = ", ".join(f"{number:,} {call}" for call, number in counts.items())
        remarks = [f"model {model.name} {model.version}".rstrip() + f", {unit}", f"calls: {calls}"]
        if self.quarantined:
            reasons = [f"{sample} ({why})" for sample, why in self.quarantined.items()]
            remarks.append(f"quarantined: {some(reasons, 3)}")
        return remarks

    def _frame(self, name: str) -> pd.DataFrame:
        frame: pd.DataFrame = self._scored.tables[name].to_pandas()
        return frame

    def _source(self) -> Source:
        """Study and model, for what is asked of single samples."""
        options = self._scored.job.options
        return Source(
            self.study,
            self.model,
            options.level,
            options.her2_context,
            options.call_at,
            options.reference,
        )

    def _drug_facts(self) -> pd.DataFrame:
        """What the manifest says of each drug, as columns of plain values."""
        facts = pd.DataFrame(self._scored.manifest["drugs"]).set_index("name")
        headline = self.model.predictor.scale.headline
        estimate = pd.DataFrame(facts.pop(headline).tolist(), index=facts.index)
        return facts.assign(
            drug_class=facts["drug_class"].fillna("").astype("str"),
            targets=[";".join(targets) for targets in facts["targets"]],
            **{headline: estimate[0].astype(float)},
            best_baseline=[(of or {}).get("name", "") for of in facts["best_baseline"]],
            gain=[of["verdict"] for of in facts["gain"]],
            gain_probability=[float(of["probability"]) for of in facts["gain"]],
            typical_response=facts["typical_response"].astype(float),
            threshold=[np.nan if of["value"] is None else of["value"] for of in facts["threshold"]],
            threshold_kind=[of["kind"] for of in facts["threshold"]],
        ).rename_axis(None)


def _without_arrow(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with text as Python's own, since anndata cannot write Arrow's before 0.13."""
    text = [name for name, kind in frame.dtypes.items() if kind == "str"]
    plain = frame.astype(dict.fromkeys(text, object))
    return plain.set_axis(frame.index.astype(object)).set_axis(frame.columns.astype(object), axis=1)


def _settings(changes: Changes | None) -> list[str]:
    """Changes as `sidestep explain --set` takes them, one a string."""
    if changes is None:
        return []
    if isinstance(changes, str):
        return [changes]
    if isinstance(changes, Mapping):
        return [f"{feature}={value}" for feature, value in changes.items()]
    return list(changes)
