"""Which samples of several studies are the same line or tumour, and which are of one donor?

A sample is looked for by its name, by its name without the tissue that CCLE puts behind it, by the
other names of a line (`vocabulary.cell_lines`, and Cellosaurus where it is given) and by what its
study's clinical file calls it elsewhere, the surest first. A name that could mean two is never
guessed: the sample stays by itself, and is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from sidestep.features.identifiers import match_key, without_tissue
from sidestep.features.study.study import Study
from sidestep.features.vocabulary.cell_lines import (
    NAMES,
    Siblings,
    are_lines,
    find_line,
    known_relative,
    line_names,
    shared_meaning,
    unite_donors,
)
from sidestep.features.vocabulary.cellosaurus import Cellosaurus
from sidestep.features.vocabulary.lineages import sample_lineages

#: How samples were matched, the surest way first.
NEW, SAME, SPELLING, TISSUE = "new", "name", "name, but for case and punctuation", "CCLE's name"
SYNONYM, CELLOSAURUS = "known synonym", "Cellosaurus"
#: Clinical attribute -> what its values are names in. A line's own name is one in any study.
_ATTRIBUTES: Final = {
    **dict.fromkeys(NAMES, ""),
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
_STEPS: Final = 4
#: Spaces of names that are lines of a table, whatever they are called.
_LINE, _ACCESSION = "line of the table", "accession"


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


def match_samples(studies: Sequence[Study], cellosaurus: Cellosaurus | None = None) -> Matching:
    """Find the samples that several studies share.

    Parameters
    ----------
    studies : sequence of Study
        The first one's names are kept.
    cellosaurus : Cellosaurus, optional
        More names of lines.

    Returns
    -------
    Matching
    """
    known = _Known()
    names: list[dict[str, str]] = []
    ways: list[dict[str, str]] = []
    every = [_named(study, cellosaurus) for study in studies]
    doubts: list[str] = []
    for study, named in zip(studies, every, strict=True):
        found = _found(study, named, known, doubts)
        own: dict[str, str] = {}
        how: dict[str, str] = {}
        for sample, under in named.items():
            meant, way = found.get(sample, ("", NEW))
            # A sample of the same spelling was found, or is another line of that name.
            free = sample if sample not in known.samples else f"{sample}_{study.study_id}"
            own[sample] = meant or free
            how[sample] = way
            known.add(own[sample], under.names)
        names.append(own)
        ways.append(how)
    doubts += _untold(studies, every, names)
    return Matching(tuple(known.samples), tuple(names), tuple(ways), tuple(dict.fromkeys(doubts)))


def _found(
    study: Study, named: Mapping[str, _Sample], known: _Known, doubts: list[str]
) -> dict[str, tuple[str, str]]:
    """Sample of a study -> the earlier sample that it is, and how that is known."""
    found: dict[str, tuple[str, str]] = {}
    doubtful: dict[str, str] = {}
    taken: set[str] = set()
    # Way by way, so that a surer name of one sample goes before a less sure one of another.
    for step in range(_STEPS):
        asked: dict[str, dict[str, str]] = {}
        for sample, under in named.items():
            if sample in found:
                continue
            fitting = known.fits(under.names, step)
            fits = {one: way for one, way in fitting.items() if one not in taken}
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


@dataclass(frozen=True)
class _Sample:
    """A sample of a study, under all its names.

    Attributes
    ----------
    names : mapping
        Each with how sure it is.
    shared : str
        The sample's name, if two lines have it; else empty.
    told : bool
        Whether its spelling or its lineage tells which of them it is.
    """

    names: Mapping[_Key, _Way]
    shared: str = ""
    told: bool = True


def _named(study: Study, cellosaurus: Cellosaurus | None) -> dict[str, _Sample]:
    """Sample -> its names."""
    attributes = {str(name): study.clinical[name].to_dict() for name in study.clinical.columns
                  if is_name(str(name))}  # fmt: skip
    lineages, lines = sample_lineages(study.clinical), are_lines(study.clinical)
    named = {}
    for sample in map(str, study.samples):
        texts = {name: values.get(sample) for name, values in attributes.items()}
        given = {name: text for name, text in texts.items() if isinstance(text, str)}
        lineage = lineages.get(sample, "") if lines[sample] else None
        named[sample] = _sample(sample, given, lineage, cellosaurus)
    return named


def _sample(
    sample: str, given: Mapping[str, str], lineage: str | None, cellosaurus: Cellosaurus | None
) -> _Sample:
    """All names of one sample; `lineage` is None of what is no cell line."""
    spellings = [(sample, (0, SPELLING)), (without_tissue(sample), (1, TISSUE))]
    names: dict[_Key, _Way] = {}
    for name, text in given.items():
        space = _ATTRIBUTES[name.upper()]
        if not space:
            spellings.append((without_tissue(text), (3, name)))
        elif key := match_key(text):
            names.setdefault((space, key), (3, name))
    words = [text for text in (sample, *given.values()) if text]
    meanings = [None] if lineage is None else [shared_meaning(text, lineage) for text in words]
    meant = set(filter(None, meanings))
    for text, way in spellings:
        if lineage is not None and shared_meaning(text) is not None:
            continue
        if key := _spelling(text) if way[0] < 2 else match_key(text):
            names.setdefault(("", key), way)
        line = None if lineage is None else find_line(text, lineage)
        if line is not None:
            names.setdefault((_LINE, line.name), max(way, (2, SYNONYM)))
    if len(meant) == 1:
        names[(_LINE, next(iter(meant)))] = (0, SPELLING)
    elif cellosaurus is not None and lineage is not None and meanings[0] is None:
        for space, key in list(names):
            if (accession := cellosaurus.identity(space, key)) is not None:
                names.setdefault((_ACCESSION, accession), (2, CELLOSAURUS))
    shared = _spelling(without_tissue(sample)) if meanings[0] is not None else ""
    return _Sample(names, shared, not shared or len(meant) == 1)


def _untold(
    studies: Sequence[Study],
    named: Sequence[Mapping[str, _Sample]],
    joined: Sequence[Mapping[str, str]],
) -> list[str]:
    """Lines whose name two lines have, which nothing tells apart, and which were joined to none."""
    often = Counter(sample for names in joined for sample in names.values())
    alone: dict[str, dict[str, bool]] = {}
    for study, samples, names in zip(studies, named, joined, strict=True):
        for name, sample in samples.items():
            if sample.shared and often[names[name]] == 1:
                alone.setdefault(sample.shared, {})[f"{name} of {study.study_id}"] = sample.told
    return [
        f"{words} could be either line of that name, and its lineage does not tell"
        for held in alone.values()
        for words, told in held.items()
        if not told and len(held) > 1
    ]


def _spelling(name: str) -> str:
    """Name without case and punctuation; one of signs alone is itself."""
    return match_key(name) or name


def join_donors(
    studies: Sequence[Study], matching: Matching, cellosaurus: Cellosaurus | None = None
) -> tuple[dict[str, str], list[Siblings]]:
    """Donor of each sample of the joined study: samples that share one in any study share one.

    Donors of one name, but for case and punctuation, are one, and so are those of lines that are
    known to come from one person, so that siblings stay in one fold.

    Returns
    -------
    donors : dict of str to str
    siblings : list of Siblings
        Lines that no study gave one donor.
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
    called: dict[str, list[str]] = {sample: [sample] for sample in matching.samples}
    lineages: dict[str, str] = {}
    lines: dict[str, bool] = {}
    for study, names, ways in zip(studies, matching.names, matching.ways, strict=True):
        lineages |= {names[one]: of for one, of in sample_lineages(study.clinical).items()}
        for sample, words in line_names(study.clinical).items():
            called[names[sample]] += words
        for sample, line in are_lines(study.clinical).items():
            lines[names[sample]] = lines.get(names[sample], True) and line
        for own, said in study.donors.items():
            sample = names[str(own)]
            # Of another line of that name, the donor that is called like it is another, too.
            another = ways[str(own)] == NEW and sample != own and said == own
            donor = sample if another else str(said)
            written.setdefault(sample, donor)
            first = of_donor.setdefault(_spelling(donor), sample)
            one, other = root(sample), root(first)
            if order[other] < order[one]:
                one, other = other, one
            parent[other] = one
    told = pd.Series({sample: written[root(sample)] for sample in matching.samples}, dtype="str")
    relations = [known_relative, *([] if cellosaurus is None else [cellosaurus.relative])]
    united, siblings = unite_donors(told, called, lineages, lines, relations)
    return {str(sample): str(donor) for sample, donor in united.items()}, siblings


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
