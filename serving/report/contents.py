"""The data of a page: everything that the charts need of its samples, as compact plain values.

What recurs (features, reasons, distributions) stands there once and is then meant by its place.
Numbers keep five or six significant digits, so that sums still hold to 1e-4; those of some samples
are rounded all at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice, starmap
from typing import Any

import numpy as np
import pandas as pd

from sidestep.features.knowledge.drugs import both_names
from sidestep.models.predictor.cohort import LINES
from sidestep.serving.combinations.words import partner_view
from sidestep.serving.disk.sample_scores import DrugScore, SampleScores
from sidestep.serving.disk.score_folder import ScoreFolder
from sidestep.serving.report.json_text import (
    NULL,
    Entries,
    Numbers,
    array,
    arrays,
    record,
    script_json,
)
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

#: Cells of a fact, before its statement.
_OF_FACT = ("fact", "direction", "strength", "source", "agreement", "alternatives")


class PageContents:
    """The samples of one page, added one after the other.

    Parameters
    ----------
    common : Common
        What the pages of a report share.
    """

    def __init__(self, common: Common) -> None:
        self._common = common
        self._features, self._reasons = Entries(_feature_entry), Entries(common.reason)
        self._lines = Entries(common.distributions)
        self._mechanisms, self._sentences = Entries(), Entries()
        self._samples: list[str] = []
        self.names: list[str] = []
        self._size = sum(map(len, self.parts()))

    @property
    def size(self) -> int:
        """Bytes of the page's data, nearly."""
        return self._size + sum(entries.size for entries in self._shared.values())

    @property
    def _shared(self) -> dict[str, Entries]:
        """What the samples have in common."""
        return {
            "mechanisms": self._mechanisms,
            "reasons": self._reasons,
            "features": self._features,
            "lines": self._lines,
            "sentences": self._sentences,
        }

    def add(self, scores: SampleScores, numbers: RowNumbers) -> None:
        """Add a sample, whose `numbers` are the next ones."""
        common = self._common
        text = record(
            {
                "name": script_json(scores.sample),
                "says": script_json(sample_sentences(scores, common.modalities)),
                "known": array([self._known(known, scores.sample) for known in common.known]),
                "drugs": array([self._drug(one, scores.sample, numbers) for one in scores.drugs]),
            }
        )
        self.names.append(scores.sample)
        self._samples.append(text)
        self._size += len(text.encode()) + 1

    def parts(self) -> Iterator[str]:
        """Everything on the page, part by part, as text that may stand in a script element."""
        shared = {name: array(entries.texts) for name, entries in self._shared.items()}
        yield record({**self._common.head, **shared}).removesuffix("}") + ',"samples":['
        for n, sample in enumerate(self._samples):
            yield f",{sample}" if n else sample
        yield "]}"

    def _known(self, known: Mapping[str, tuple[int, str | None]], sample: str) -> str:
        """Place of a sample's value in a track, with the place of what is told beside it."""
        if sample not in known:
            return NULL
        place, detail = known[sample]
        return str(place) if detail is None else array([str(place), self._sentences[detail]])

    def _drug(self, score: DrugScore, sample: str, numbers: RowNumbers) -> str:
        common = self._common
        prediction, lower, upper, base, observed, rest = islice(numbers.responses, 6)
        chance, applicability = islice(numbers.certainties, 2)
        fields = {
            "drug": common.drugs[score.drug],
            "call": script_json(score.call),
            "at": array([prediction, lower, upper, base]),
            "percentile": next(numbers.percentiles),
            "p": chance,
            "applicability": applicability,
            "observed": observed,
            "reasons": array(map(self._reasons.__getitem__, score.reasons)),
            "lines": self._lines_at(score),
            **self._among(score),
            "modalities": next(numbers.modalities),
            "mechanisms": self._by_mechanism(score, numbers),
            "says": array(map(self._sentences.__getitem__, drug_sentences(score, common.scale))),
            "features": array(
                map(
                    self._features.__getitem__,
                    zip(
                        score.features.feature.tolist(),
                        score.features.modality.tolist(),
                        score.features.mechanism.tolist(),
                        strict=True,
                    ),
                )
            ),
            **{name: next(texts) for name, texts in numbers.of_features.items()},
            "rest": rest,
        }
        if score.evidence:
            for name, is_measured in (("evidence", False), ("measured", True)):
                rows = [row for row in score.evidence if (row["kind"] == "measured") == is_measured]
                if rows:
                    fields[name] = array(map(self._fact, rows))
        partners = [row for row in common.partners.get(sample, ()) if row["drug"] == score.drug]
        if partners:
            fields["partners"] = array(map(self._partner, partners))
        return record(fields)

    def _by_mechanism(self, score: DrugScore, numbers: RowNumbers) -> str:
        """Sums in the order of the page's mechanisms, as far as they are known by now."""
        sums: dict[Hashable, str] = dict(zip(score.by_mechanism, numbers.mechanisms, strict=False))
        for name in sums:
            self._mechanisms[name]
        return array([sums.get(name, NULL) for name in self._mechanisms])

    def _fact(self, row: Mapping[str, Any]) -> str:
        """Cells of a fact; its statement, which many samples share, by its place."""
        cells = [script_json(row[name] or "") for name in _OF_FACT]
        return array([*cells, self._sentences[str(row["statement"])]])

    def _partner(self, row: Mapping[str, Any]) -> str:
        """Cells of a partner drug; sentences, which many samples share, by their place."""
        cells = (
            both_names(str(row["partner"])),
            row["rule_evidence"],
            row["matched_mechanism"] or "",
            partner_view(row),
        )
        said = [self._sentences[str(row[name])] for name in ("reason", "caveat", "source")]
        return array([*map(script_json, cells), *said])

    def _among(self, score: DrugScore) -> dict[str, str]:
        """Place of what the score is compared with, where that is no training lines."""
        if score.reference == LINES:
            return {}
        return {"among": self._sentences[self._common.scale.compared(score.reference)]}

    def _lines_at(self, score: DrugScore) -> str:
        """Place of the distributions that the score is compared with; null if they are missing."""
        key = (score.drug, score.reference, score.modalities)
        return self._lines[key] if key in self._common.compared else NULL


class Common:
    """What the pages of a report share, made once.

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
        manifest = folder.manifest
        self.scale = Scale.of(manifest)
        self.modalities = folder.modalities
        self.drugs = {drug["name"]: str(n) for n, drug in enumerate(manifest["drugs"])}
        self.partners = partners or {}
        self.known = [_known_of(track) for track in tracks]
        #: Drug, reference and modalities -> the rows of what their scores are compared with.
        self.compared = {
            (str(drug), str(cohort), str(modalities)): part
            for (drug, cohort, modalities), part in folder.reference.groupby(
                ["drug", "reference", "modalities"], sort=False
            )
        }
        self.distributions = cache(self._distributions)
        self.numbers = Numbers()
        self.head = _head(manifest, self.scale, self.modalities, tracks)

    def reason(self, code: str) -> str:
        """What the page says of a reason."""
        return script_json([code, reason_text(code, self.scale.event), abstains(code)])

    def _distributions(self, key: tuple[str, str, str]) -> str:
        """Quantiles 0 to 100 of what scores are compared with."""
        part = self.compared[key].sort_values("quantile")
        return record(
            {
                name: array(self.numbers.texts(part[name].to_numpy(float), 4).to_pylist())
                for name in ("predicted", "observed")
            }
        )


class RowNumbers:
    """Numbers of some samples as JSON, rounded all at once, to be taken drug by drug.

    Parameters
    ----------
    scores : sequence of SampleScores
        Samples, in the order in which they are added to pages.
    common : Common

    Attributes
    ----------
    responses : iterator of str
        Six a drug: prediction, ends of its interval, base value, observed, and what features that
        are not named contribute.
    percentiles : iterator of str
    certainties : iterator of str
        Two a drug: probability of resistance and applicability.
    mechanisms : iterator of str
        Sums of contributions.
    modalities : iterator of str
        An array a drug.
    of_features : dict of str to iterator of str
        An array a drug of what there is of each named feature, by its name on the page.
    """

    def __init__(self, scores: Sequence[SampleScores], common: Common) -> None:
        drugs = [one for sample in scores for one in sample.drugs]
        features = [one.features for one in drugs]
        names, texts = common.modalities, common.numbers.texts
        responses = _flat(
            (one.prediction, one.lower, one.upper, one.base_value, one.observed, one.rest)
            for one in drugs
        )
        certainties = _flat((one.p_resistant, one.applicability) for one in drugs)
        percentiles = _flat((one.percentile,) for one in drugs)
        mechanisms = _flat(one.by_mechanism.values() for one in drugs)
        modalities = _flat(map(one.by_modality.get, names) for one in drugs)
        self.responses = iter(texts(responses, 6).to_pylist())
        self.percentiles = iter(texts(percentiles, 4).to_pylist())
        self.certainties = iter(texts(certainties, 3).to_pylist())
        self.mechanisms = iter(texts(mechanisms, 5).to_pylist())
        self.modalities = iter(arrays(texts(modalities, 5), [len(names)] * len(drugs)))
        counts = [len(one) for one in features]
        self.of_features = {
            name: iter(arrays(texts(_joined(columns), digits), counts))
            for name, digits, columns in (
                ("values", 3, [one.value for one in features]),
                ("contributions", 5, [one.contribution for one in features]),
                ("shares", 3, [one.top_k_share for one in features]),
                ("stable", 1, [one.stable for one in features]),
            )
        }


def _flat(rows: Iterable[Iterable[float | None]]) -> np.ndarray:
    return np.array([*chain.from_iterable(rows)], float)


def _joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(columns, dtype=float) if columns else np.empty(0)


def _known_of(track: Track) -> dict[str, tuple[int, str | None]]:
    """Samples of which the track knows something: its place, and what is told beside it."""
    places = track.places.dropna()
    details = pd.Series(None, places.index, dtype=object)
    if track.details is not None:
        details = track.details.reindex(places.index)
    return {
        str(sample): (int(place), None if pd.isna(detail) else str(detail))
        for sample, place, detail in zip(places.index, places, details, strict=True)
    }


def _feature_entry(named: tuple[str, str, str]) -> str:
    """What the page says of a feature: its name, label, modality, mechanism and kind of value."""
    feature, modality, mechanism = map(str, named)
    return script_json([feature, feature_label(feature), modality, mechanism, value_kind(feature)])


def _head(
    manifest: Mapping[str, Any], scale: Scale, modalities: Sequence[str], tracks: Sequence[Track]
) -> dict[str, str]:
    """What a page says before it comes to its samples."""
    response = {
        "name": scale.response,
        "unit": scale.unit,
        "higherIsResistant": scale.higher_is_resistant,
        "level": scale.level,
        "lines": scale.lines,
        "line": scale.said("training line"),
    }
    shown = [
        {"name": one.name, "label": one.label, "values": one.values, "ordered": one.ordered}
        for one in tracks
    ]
    typical = np.array([drug["typical_response"] for drug in manifest["drugs"]], float)
    drugs = zip(manifest["drugs"], Numbers().texts(typical, 6).to_pylist(), strict=True)
    return {
        "response": script_json(response),
        "modalities": script_json([modality_name(name) for name in modalities]),
        "drugs": array(starmap(_drug_entry, drugs)),
        "tracks": script_json(shown),
        "evidenceFrom": script_json(evidence_sentence(manifest)),
    }


def _drug_entry(drug: Mapping[str, Any], typical: str) -> str:
    """What a page says of a drug, whatever the sample."""
    said = {
        "name": drug["name"],
        "label": both_names(drug["name"]),
        "about": drug_subtitle(drug),
        "quality": quality_sentence(drug),
        "gain": drug["gain"]["verdict"],
    }
    return record({name: script_json(text) for name, text in said.items()} | {"typical": typical})
