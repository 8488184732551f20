"""The data of a page: everything that the charts need of its samples, as compact plain values.

What recurs (features, reasons, distributions) stands there once and is then meant by its place.
Numbers keep five or six significant digits, so that sums still hold to 1e-4.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from sidestep.features.knowledge.drugs import both_names
from sidestep.models.predictor.cohort import LINES
from sidestep.serving.combinations.words import partner_view
from sidestep.serving.disk.sample_scores import DrugScore, Feature, SampleScores
from sidestep.serving.disk.score_folder import ScoreFolder
from sidestep.serving.report.overview import drug_subtitle, quality_sentence
from sidestep.serving.report.tracks import Track
from sidestep.serving.words.sentences import (
    Scale,
    abstains,
    drug_sentences,
    evidence_sentence,
    reason_text,
    sample_sentences,
)
from sidestep.serving.words.wording import feature_label, modality_name, value_kind

_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


class PageContents:
    """The samples of one page, added one after the other.

    Parameters
    ----------
    folder : ScoreFolder
    tracks : sequence of Track
        What is known of the samples.
    partners : mapping, optional
        Sample -> rows of partner drugs (`ScoreFolder.partners`).
    """

    def __init__(
        self,
        folder: ScoreFolder,
        tracks: Sequence[Track] = (),
        partners: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> None:
        self._manifest = folder.manifest
        self._scale = Scale.of(folder.manifest)
        self._modalities = folder.modalities
        self._drugs = {drug["name"]: n for n, drug in enumerate(folder.manifest["drugs"])}
        self._reference = _distributions(folder.reference)
        self._features, self._reasons = _Entries(_feature_entry), _Entries(self._reason)
        self._lines = _Entries(self._reference.__getitem__)
        self._mechanisms, self._sentences = _Entries(), _Entries()
        self._tracks = list(tracks)
        self._partners = partners or {}
        self._samples: list[str] = []
        self.names: list[str] = []
        self._size = len(self.json())

    @property
    def size(self) -> int:
        """Bytes of the page's data, nearly."""
        shared = (self._features, self._mechanisms, self._reasons, self._lines, self._sentences)
        return self._size + sum(entries.size for entries in shared)

    def add(self, scores: SampleScores) -> None:
        """Add a sample."""
        text = script_json(
            {
                "name": scores.sample,
                "says": sample_sentences(scores, self._modalities),
                "known": [self._known(track, scores.sample) for track in self._tracks],
                "drugs": [self._drug(score, scores.sample) for score in scores.drugs],
            }
        )
        self.names.append(scores.sample)
        self._samples.append(text)
        self._size += len(text.encode()) + 1

    def json(self) -> str:
        """Everything on the page, as text that may stand in a script element."""
        shared = script_json(self._shared())
        return f'{shared[:-1]},"samples":[{",".join(self._samples)}]}}'

    def _shared(self) -> dict[str, Any]:
        """What the samples have in common."""
        scale = self._scale
        return {
            "response": {
                "name": scale.response,
                "unit": scale.unit,
                "higherIsResistant": scale.higher_is_resistant,
                "level": scale.level,
                "lines": scale.lines,
                "line": scale.said("training line"),
            },
            "modalities": [modality_name(name) for name in self._modalities],
            "drugs": [
                {
                    "name": drug["name"],
                    "label": both_names(drug["name"]),
                    "about": drug_subtitle(drug),
                    "quality": quality_sentence(drug),
                    "gain": drug["gain"]["verdict"],
                    "typical": _short(drug["typical_response"]),
                }
                for drug in self._manifest["drugs"]
            ],
            "tracks": [
                {"name": one.name, "label": one.label, "values": one.values, "ordered": one.ordered}
                for one in self._tracks
            ],
            "evidenceFrom": evidence_sentence(self._manifest),
            "mechanisms": self._mechanisms.entries,
            "reasons": self._reasons.entries,
            "features": self._features.entries,
            "lines": self._lines.entries,
            "sentences": self._sentences.entries,
        }

    def _known(self, track: Track, sample: str) -> int | list[int] | None:
        """Place of a sample's value in a track, with the place of what is told beside it."""
        place = track.places.get(sample)
        if place is None or pd.isna(place):
            return None
        detail = None if track.details is None else track.details.get(sample)
        if detail is None or pd.isna(detail):
            return int(place)
        return [int(place), self._sentences.place(str(detail))]

    def _drug(self, score: DrugScore, sample: str) -> dict[str, Any]:
        mechanisms: list[float | int | None] = [None] * len(self._mechanisms.entries)
        for name, value in score.by_mechanism.items():
            place = self._mechanisms.place(name)
            mechanisms += [None] * (place + 1 - len(mechanisms))
            mechanisms[place] = _short(value, 5)
        values = {
            "drug": self._drugs[score.drug],
            "call": score.call,
            "at": [
                _short(value)
                for value in (score.prediction, score.lower, score.upper, score.base_value)
            ],
            "percentile": _short(score.percentile, 4),
            "p": _short(score.p_resistant, 3),
            "applicability": _short(score.applicability, 3),
            "observed": _short(score.observed),
            "reasons": [self._reasons.place(code) for code in score.reasons],
            "lines": self._lines_at(score),
            **self._among(score),
            "modalities": [_short(score.by_modality.get(name), 5) for name in self._modalities],
            "mechanisms": mechanisms,
            "says": [self._sentences.place(one) for one in drug_sentences(score, self._scale)],
            **self._explained(score.features),
            "rest": _short(score.rest),
        }
        for name, is_measured in (("evidence", False), ("measured", True)):
            rows = [row for row in score.evidence if (row["kind"] == "measured") == is_measured]
            if rows:
                values[name] = [self._fact(row) for row in rows]
        partners = [row for row in self._partners.get(sample, ()) if row["drug"] == score.drug]
        if partners:
            values["partners"] = [self._partner(row) for row in partners]
        return values

    def _explained(self, features: Sequence[Feature]) -> dict[str, list[Any]]:
        return {
            "features": [
                self._features.place((one.feature, one.modality, one.mechanism)) for one in features
            ],
            "values": [_short(one.value, 3) for one in features],
            "contributions": [_short(one.contribution, 5) for one in features],
            "shares": [_short(one.top_k_share, 3) for one in features],
            "stable": [int(one.stable) for one in features],
        }

    def _fact(self, row: Mapping[str, Any]) -> list[Any]:
        """Cells of a fact; its statement, which many samples share, by its place."""
        names = ("fact", "direction", "strength", "source", "agreement", "alternatives")
        statement = str(row["statement"])
        return [*(row[name] or "" for name in names), self._sentences.place(statement)]

    def _partner(self, row: Mapping[str, Any]) -> list[Any]:
        """Cells of a partner drug; sentences, which many samples share, by their place."""
        said = [str(row[name]) for name in ("reason", "caveat", "source")]
        return [
            both_names(str(row["partner"])),
            row["rule_evidence"],
            row["matched_mechanism"] or "",
            partner_view(row),
            *(self._sentences.place(text) for text in said),
        ]

    def _reason(self, code: str) -> list[Any]:
        return [code, reason_text(code, self._scale.event), abstains(code)]

    def _among(self, score: DrugScore) -> dict[str, int]:
        """Place of what the score is compared with, where that is no training lines."""
        if score.reference == LINES:
            return {}
        text = self._scale.compared(score.reference)
        return {"among": self._sentences.place(text)}

    def _lines_at(self, score: DrugScore) -> int | None:
        """Place of the distributions that the score is compared with; None if they are missing."""
        key = (score.drug, score.reference, score.modalities)
        return self._lines.place(key) if key in self._reference else None


class _Entries:
    """Entries that stand once and are then meant by their place.

    Parameters
    ----------
    entry : callable, optional
        What stands for a key; the key itself by default.
    """

    def __init__(self, entry: Callable[[Any], Any] | None = None) -> None:
        self.entries: list[Any] = []
        self.size = 0
        self._entry = entry
        self._places: dict[Hashable, int] = {}

    def place(self, key: Hashable) -> int:
        """Place of the entry of `key`; a new one is added."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.entries)
            self.entries.append(key if self._entry is None else self._entry(key))
            self.size += len(script_json(self.entries[-1]).encode()) + 1
        return place


def _feature_entry(named: tuple[str, str, str]) -> list[str]:
    """What the page says of a feature: its name, label, modality, mechanism and kind of value."""
    feature, modality, mechanism = named
    return [feature, feature_label(feature), modality, mechanism, value_kind(feature)]


def script_json(content: Any) -> str:
    """JSON that no HTML parser can take for the end of a script element, or for anything else."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def _distributions(reference: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, list[Any]]]:
    """Quantiles 0 to 100 of what scores are compared with, by drug, reference and modalities."""
    return {
        (str(drug), str(cohort), str(modalities)): {
            name: [_short(value, 4) for value in part.sort_values("quantile")[name]]
            for name in ("predicted", "observed")
        }
        for (drug, cohort, modalities), part in reference.groupby(
            ["drug", "reference", "modalities"], sort=False
        )
    }


def _short(value: float | None, digits: int = 6) -> float | int | None:
    """The number to some significant digits; None for one that is missing."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded
