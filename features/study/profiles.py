"""Profiles: which of a study's files is its expression, its RPPA and its copy number.

A study may have ten meta files of one `genetic_alteration_type`: RNA-seq, microarray and microRNA,
each as levels and as z-scores against several references. What a profile holds is told by the
words of its `stable_id`, file names, `profile_name` and `profile_description`
(``knowledge/tables/profile_words.tsv``), in that order; where a user names a profile by its
`stable_id`, that one is read whatever its words say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidestep.features.errors import InputError
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable
from sidestep.features.study.meta import Meta

#: Modality, as a user calls it -> kind of data, as cBioPortal does.
KIND_OF: Mapping[str, str] = {
    "expression": "MRNA_EXPRESSION",
    "rppa": "PROTEIN_LEVEL",
    "copy_number": "COPY_NUMBER_ALTERATION",
    "mutation": "MUTATION_EXTENDED",
    "fusion": "STRUCTURAL_VARIANT",
}
Z_SCORE, COUNTS = "z-score", "counts"
LN, LOG10 = "ln", "log10"
#: Scales that are logarithms.
LOGARITHMS = frozenset({"log2", "log", LN, LOG10})
_SEPARATORS = re.compile(r"[^0-9a-z]+")
#: Kind of data -> what none of its profiles may be -> why it is left out.
_UNUSABLE: Mapping[str, Mapping[str, str]] = {
    "MRNA_EXPRESSION": {
        "microRNA": "microRNA, no expression of genes",
        "circular RNA": "circular RNA, no expression of genes",
        "outlier calls": "calls of outliers, no levels",
    },
    "PROTEIN_LEVEL": {"mass spectrometry": "mass spectrometry, and only RPPA is read"},
    "COPY_NUMBER_ALTERATION": {"segments": "segments, no copy number of genes"},
}
#: The lower, the better; what is not named lies in the middle.
_PLATFORM_RANK = {"RNA-seq": 0, "microarray": 2}
_OTHER_PLATFORM = 1
_REFERENCE_RANK = {"diploid samples": 0, "all samples": 1, "normal samples": 2}
_OTHER_REFERENCE = 1
_DATATYPE_RANK = {
    "PROTEIN_LEVEL": ("LOG2-VALUE", "CONTINUOUS", "Z-SCORE"),
    "COPY_NUMBER_ALTERATION": ("LOG2-VALUE", "CONTINUOUS", "DISCRETE"),
    "MUTATION_EXTENDED": ("MAF",),
    "STRUCTURAL_VARIANT": ("SV",),
    "GENE_PANEL_MATRIX": ("GENE_PANEL_MATRIX",),
}
#: Aspects of which the description does not tell: it says from what a profile was made, too.
_NOT_DESCRIBED = ("enrichment", "reference")
#: Kinds of data of which one profile is read.
READ_KINDS = ("MRNA_EXPRESSION", *_DATATYPE_RANK)

_Words = dict[tuple[str, str], dict[str, str]]


def _by_aspect(rows: Sequence[KnowledgeRow]) -> _Words:
    """Kind and aspect -> word -> its meaning."""
    found: _Words = {}
    for row in rows:
        words = found.setdefault((row["kind"], row["aspect"]), {})
        if row["word"] in words:
            raise row.problem("word", "has a row already")
        if row["word"] != _plain(row["word"]):
            raise row.problem("word", "is not in lower case, letters and digits with single blanks")
        words[row["word"]] = row["meaning"]
    return found


#: What words of meta files say of a profile.
PROFILE_WORDS = KnowledgeTable(
    "profile_words.tsv", ("kind", "aspect", "word", "meaning", "source"), _by_aspect
)


@dataclass(frozen=True)
class Profile:
    """What a meta file says of its profile.

    Attributes
    ----------
    meta : Meta
    platform : str
        What measured it (``"RNA-seq"``, ``"microarray"``, ``"microRNA"``, ``"RPPA"``, ``"mass
        spectrometry"``); empty where no word tells.
    unit : str
        ``"TPM"``, ``"counts"``; empty where no word tells.
    scale : str
        ``"z-score"``, ``"log2"``, ``"ln"``, ``"segments"``, …; empty where no word tells.
    enrichment : str
        ``"capture"`` or empty.
    reference : str
        What z-scores refer to.
    """

    meta: Meta
    platform: str
    unit: str
    scale: str
    enrichment: str
    reference: str

    @classmethod
    def of(cls, meta: Meta) -> Profile:
        """Read the words of a meta file."""
        said = {
            aspect: _meaning(meta, aspect)
            for aspect in ("platform", "unit", "scale", "enrichment", "reference")
        }
        said["scale"] = _scale(meta, said["scale"])
        if meta.kind == "MRNA_EXPRESSION" and meta.datatype == "DISCRETE":
            said["platform"] = "outlier calls"
        return cls(meta, **said)

    @property
    def unusable(self) -> str:
        """Why it is not read as its kind of data; empty if it may be."""
        reasons = _UNUSABLE.get(self.meta.kind, {})
        return reasons.get(self.platform) or reasons.get(self.scale, "")

    @property
    def rank(self) -> tuple[int | str, ...]:
        """Key by which the profiles of one kind are sorted, the one to read first."""
        name = self.meta.name
        if self.meta.kind != "MRNA_EXPRESSION":
            known = _DATATYPE_RANK.get(self.meta.kind, ())
            datatype = self.meta.datatype
            place = known.index(datatype) if datatype in known else len(known)
            return (place, name.casefold(), name)
        return (
            int(self.scale == Z_SCORE),
            int(self.unit == COUNTS),
            _PLATFORM_RANK.get(self.platform, _OTHER_PLATFORM),
            int(bool(self.enrichment)),
            _REFERENCE_RANK.get(self.reference, _OTHER_REFERENCE),
            name.casefold(),
            name,
        )


@dataclass(frozen=True)
class Choice:
    """Which profile of a kind is read.

    Attributes
    ----------
    profile : Profile or None
        None where the study has none that can be read.
    others : tuple of Profile
        Further ones that could be.
    unusable : tuple of Profile
        Those that are another kind of data.
    by_hand : bool
        Whether the user named it.
    """

    profile: Profile | None
    others: tuple[Profile, ...]
    unusable: tuple[Profile, ...]
    by_hand: bool


def choose_profile(metas: Sequence[Meta], stable_id: str | None = None) -> Choice:
    """The profile to read of those of one kind of data.

    Parameters
    ----------
    metas : sequence of Meta
        Of one kind.
    stable_id : str, optional
        The one that the user wants.

    Raises
    ------
    InputError
        If none, or more than one, has that `stable_id`.
    """
    profiles = sorted(map(Profile.of, metas), key=lambda profile: profile.rank)
    if stable_id is not None:
        wanted = _wanted(profiles, stable_id)
        return Choice(wanted, tuple(p for p in profiles if p is not wanted), (), True)
    usable = [profile for profile in profiles if not profile.unusable]
    unusable = tuple(profile for profile in profiles if profile.unusable)
    return Choice(usable[0] if usable else None, tuple(usable[1:]), unusable, False)


def _wanted(profiles: Sequence[Profile], stable_id: str) -> Profile:
    found = [p for p in profiles if stable_id in (p.meta.stable_id, p.meta.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{p.meta.stable_id} ({p.meta.name})" for p in profiles)
    if found:
        raise InputError(
            f"profile {stable_id!r} is that of {len(found)} meta files; give the name of one: "
            f"{', '.join(p.meta.name for p in found)}."
        )
    raise InputError(
        f"profile {stable_id!r} is not in the study; of that kind it has {known or 'none'}."
    )


def parse_profiles(given: Sequence[str]) -> dict[str, str]:
    """Choices by hand: texts ``KIND=STABLE_ID`` as a mapping.

    Raises
    ------
    InputError
        If one is not of that form, or a kind is given twice.

    Examples
    --------
    >>> parse_profiles(["expression=rna_seq_mrna_capture"])
    {'expression': 'rna_seq_mrna_capture'}
    """
    chosen: dict[str, str] = {}
    for text in given:
        kind, equals, stable_id = (part.strip() for part in text.partition("="))
        if not equals or not kind or not stable_id:
            raise InputError(
                f"--profile {text!r} is not KIND=STABLE_ID; write for example "
                "expression=rna_seq_mrna."
            )
        if kind in chosen:
            raise InputError(f"--profile gives {kind} twice; name one profile a kind.")
        chosen[kind] = stable_id
    return chosen


def by_kind(profiles: Mapping[str, str] | None) -> dict[str, str]:
    """Choices by hand with cBioPortal's `genetic_alteration_type` for each kind.

    Parameters
    ----------
    profiles : mapping of str to str, optional
        ``"expression"``, ``"rppa"``, ``"copy_number"``, ``"mutation"`` or ``"fusion"``, or
        cBioPortal's word for it, to the `stable_id` of a profile.

    Raises
    ------
    InputError
        If a kind is none of these.
    """
    found: dict[str, str] = {}
    for name, stable_id in (profiles or {}).items():
        kind = KIND_OF.get(name.casefold().replace("-", "_"), name.upper())
        if kind not in KIND_OF.values():
            raise InputError(
                f"{name!r} is no kind of profile that can be chosen; give one of "
                f"{', '.join(KIND_OF)}."
            )
        found[kind] = stable_id
    return found


def _scale(meta: Meta, said: str) -> str:
    """Scale of a profile, of its datatype and what its words say of it.

    A profile that is declared Z-SCORE and is described as logarithms, with no word of z-scores in
    its names, holds logarithms: so does one of MSK's prostate study.
    """
    if meta.datatype == "SEG":
        return "segments"
    if meta.datatype != "Z-SCORE":
        return said
    words = PROFILE_WORDS.load().get((meta.kind, "scale"), {})
    named = {
        words[word] for text in list(_texts(meta))[1:] for word in words if f" {word} " in text
    }
    return Z_SCORE if Z_SCORE in named or not named & LOGARITHMS else "log2"


def _meaning(meta: Meta, aspect: str) -> str:
    """What the first text with a known word says; of several words the longest, then the first.

    Counts go last: CPM is made of them, and the text may say so.
    """
    words = PROFILE_WORDS.load().get((meta.kind, aspect), {})
    for text in _texts(meta, described=aspect not in _NOT_DESCRIBED):
        found = [word for word in words if f" {word} " in text]
        found = [word for word in found if words[word] != COUNTS] or found
        if found:
            return words[max(found, key=lambda word: (len(word), -text.index(f" {word} ")))]
    return ""


def _texts(meta: Meta, *, described: bool = True) -> Iterator[str]:
    """Texts that tell what a profile is, the most telling first, with blanks around each word."""
    data = Path(meta.fields.get("data_filename", "")).name
    given = [
        meta.fields.get("stable_id", ""),
        meta.name.removeprefix("meta_").partition(".")[0],
        data.removeprefix("data_").partition(".")[0],
        meta.fields.get("profile_name", ""),
        meta.fields.get("profile_description", "") if described else "",
    ]
    for text in given:
        yield f" {_plain(text)} "


def _plain(text: str) -> str:
    """Lower case, letters and digits, single blanks between words."""
    return _SEPARATORS.sub(" ", text.casefold()).strip()
