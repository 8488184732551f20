"""Which samples of several studies are the same line or tumour, and which are of one donor?

A sample is looked for by its name, by its name without the tissue that CCLE puts behind it, and by
what its study's clinical file calls it elsewhere, the surest first. A name that could mean two is
never guessed: the sample stays by itself, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key, without_tissue
from sidestep.features.study.study import Study

#: How samples were matched, the surest way first.
NEW, SAME, SPELLING, TISSUE = "new", "name", "name, but for case and punctuation", "CCLE's name"
#: Clinical attribute -> what its values are names in. A line's own name is one in any study.
_ATTRIBUTES: Final = {
    "CELL_LINE_NAME": "",
    "CELL_LINE": "",
    "STRIPPED_CELL_LINE_NAME": "",
    "CCLE_NAME": "",
    "DEPMAP_ID": "DepMap",
    "MODEL_ID": "DepMap",
    "MODELID": "DepMap",
    "SANGER_MODEL_ID": "Sanger",
    "COSMIC_ID": "COSMIC",
    "RRID": "Cellosaurus",
    "CELLOSAURUS_ID": "Cellosaurus",
}

#: What a name is a name in ("" for lines and samples), and its key.
_Key = tuple[str, str]
#: How sure a name is, the surest 0, and what kind of name it is.
_Way = tuple[int, str]
_STEPS: Final = 3


def is_name(attribute: str) -> bool:
    """Whether a clinical attribute names a line, so that case and punctuation do not count."""
    return attribute.upper() in _ATTRIBUTES


@dataclass(frozen=True)
class Matching:
    """Samples of several studies as samples of one.

    Attributes
    ----------
    samples : tuple of str
        Of the joined study: names as the first study that has them writes them.
    names : tuple of dict
        A study each: its sample -> sample of the joined study.
    ways : tuple of dict
        A study each: its sample -> how it was matched.
    doubts : tuple of str
        Sentences on samples whose name could mean several, which stay by themselves.
    """

    samples: tuple[str, ...]
    names: tuple[dict[str, str], ...]
    ways: tuple[dict[str, str], ...]
    doubts: tuple[str, ...] = ()

    def joined(self, study: int) -> int:
        """Number of samples of a study that an earlier one has."""
        return sum(way != NEW for way in self.ways[study].values())


@dataclass
class _Known:
    """Samples so far, by each of their names."""

    samples: dict[str, None] = field(default_factory=dict)
    by_key: dict[_Key, dict[str, _Way]] = field(default_factory=dict)

    def add(self, sample: str, names: Mapping[_Key, _Way]) -> None:
        self.samples[sample] = None
        for key, way in names.items():
            held = self.by_key.setdefault(key, {})
            held[sample] = min(way, held.get(sample, way))

    def fits(self, names: Mapping[_Key, _Way], step: int) -> dict[str, str]:
        """Samples that names mean, as sure as the less sure of both names is, and how."""
        return {
            sample: max(way, held)[1]
            for key, way in names.items()
            for sample, held in self.by_key.get(key, {}).items()
            if max(way, held)[0] == step
        }


def match_samples(studies: Sequence[Study]) -> Matching:
    """Find the samples that several studies share.

    Parameters
    ----------
    studies : sequence of Study
        The first one's names are kept.

    Returns
    -------
    Matching
    """
    known = _Known()
    names: list[dict[str, str]] = []
    ways: list[dict[str, str]] = []
    doubts: list[str] = []
    for study in studies:
        found = _found(study, known, doubts)
        own: dict[str, str] = {}
        how: dict[str, str] = {}
        for sample, keys in _named(study).items():
            meant, way = found.get(sample, ("", NEW))
            # A sample of the same spelling would have been found: the name is free.
            own[sample] = meant or sample
            how[sample] = way
            known.add(own[sample], keys)
        names.append(own)
        ways.append(how)
    return Matching(tuple(known.samples), tuple(names), tuple(ways), tuple(dict.fromkeys(doubts)))


def _found(study: Study, known: _Known, doubts: list[str]) -> dict[str, tuple[str, str]]:
    """Sample of a study -> the earlier sample that it is, and how that is known."""
    found: dict[str, tuple[str, str]] = {}
    doubtful: dict[str, str] = {}
    taken: set[str] = set()
    named = _named(study)
    # Way by way, so that a surer name of one sample goes before a less sure one of another.
    for step in range(_STEPS):
        asked: dict[str, dict[str, str]] = {}
        for sample, keys in named.items():
            if sample in found:
                continue
            fits = {one: way for one, way in known.fits(keys, step).items() if one not in taken}
            if len(fits) > 1:
                doubtful[sample] = f"{sample} of {study.study_id} could be {' or '.join(fits)}"
            for one, way in fits.items() if len(fits) == 1 else ():
                asked.setdefault(one, {})[sample] = way
        for earlier, samples in asked.items():
            if len(samples) > 1:
                both = f"{' and '.join(samples)} of {study.study_id} could both be {earlier}"
                doubtful |= dict.fromkeys(samples, both)
                continue
            ((sample, way),) = samples.items()
            found[sample] = earlier, SAME if sample == earlier else way
            taken.add(earlier)
    doubts += [why for sample, why in doubtful.items() if sample not in found]
    return found


def _named(study: Study) -> dict[str, dict[_Key, _Way]]:
    """Sample -> its names, each with how sure it is."""
    attributes = [name for name in study.clinical.columns if is_name(str(name))]
    values = {name: study.clinical[name].to_dict() for name in attributes}
    return {
        sample: _names_of(sample, {name: values[name].get(sample) for name in attributes})
        for sample in map(str, study.samples)
    }


def _names_of(sample: str, attributes: Mapping[str, object]) -> dict[_Key, _Way]:
    names: dict[_Key, _Way] = {("", _spelling(sample)): (0, SPELLING)}
    names.setdefault(("", _spelling(without_tissue(sample))), (1, TISSUE))
    for name, value in attributes.items():
        space = _ATTRIBUTES[name.upper()]
        text = value if isinstance(value, str) else ""
        if key := match_key(text if space else without_tissue(text)):
            names.setdefault((space, key), (2, name))
    return names


def _spelling(name: str) -> str:
    """Name without case and punctuation; one of signs alone is itself."""
    return match_key(name) or name


def join_donors(studies: Sequence[Study], matching: Matching) -> dict[str, str]:
    """Donor of each sample of the joined study: samples that share one in any study share one.

    Donors of one name, but for case and punctuation, are one, so that siblings stay in one fold.
    """
    parent = {sample: sample for sample in matching.samples}
    order = {sample: place for place, sample in enumerate(matching.samples)}

    def root(sample: str) -> str:
        while parent[sample] != sample:
            parent[sample] = parent[parent[sample]]
            sample = parent[sample]
        return sample

    of_donor: dict[str, str] = {}
    written: dict[str, str] = {}
    for study, names in zip(studies, matching.names, strict=True):
        for own, donor in study.donors.items():
            sample = names[str(own)]
            written.setdefault(sample, str(donor))
            first = of_donor.setdefault(_spelling(str(donor)), sample)
            one, other = root(sample), root(first)
            if order[other] < order[one]:
                one, other = other, one
            parent[other] = one
    return {sample: written[root(sample)] for sample in matching.samples}


def samples_table(
    studies: Sequence[Study], matching: Matching, donors: Mapping[str, str]
) -> pd.DataFrame:
    """Who is who, a row a sample and study: `sample_id, donor, study, name, matched_by`."""
    rows = [
        (names[own], donors[names[own]], study.study_id, own, ways[own])
        for study, names, ways in zip(studies, matching.names, matching.ways, strict=True)
        for own in names
    ]
    return pd.DataFrame(rows, columns=["sample_id", "donor", "study", "name", "matched_by"])
