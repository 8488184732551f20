"""How near two drugs are, so that a finding about one may be one about the other."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from sidestep.features.identifiers import match_key
from sidestep.features.knowledge.drugs import Drug, find_drug
from sidestep.serving.evidence.facts import SAME_TARGET, SHOWN


def same_drug(one: str, other: str) -> bool:
    """Whether two names stand for one drug, whatever their case, punctuation and synonyms."""
    return canonical(one) == canonical(other)


def canonical(name: str) -> str:
    """Name by which the drug table knows a drug; its letters and digits where it does not."""
    drug = find_drug(name)
    return drug.name if drug is not None else match_key(name)


def kinship(drug: str, tested: Iterable[str], target: str = "") -> str:
    """How near a drug is to those that a finding was made with.

    Parameters
    ----------
    drug : str
    tested : iterable of str
    target : str, optional
        Gene that the finding is about, for drugs that hit more than their marker: crizotinib in
        cells with a fusion of ALK is no evidence on other drugs against MET.

    Returns
    -------
    str
        ``"shown"`` if it is one of them. ``"same target"`` if it has the class of one of them,
        or if both are kinase inhibitors with one marker: lapatinib and tucatinib, but not
        lapatinib and trastuzumab, nor trastuzumab and its conjugates. With a `target`, if it is
        a kinase inhibitor with that marker. Else empty.
    """
    return _kinship(drug, tuple(tested), target)


@functools.cache
def _kinship(drug: str, names: tuple[str, ...], target: str) -> str:
    if any(same_drug(drug, name) for name in names):
        return SHOWN
    known = find_drug(drug)
    if known is not None and target:
        return SAME_TARGET if "kinase" in known.panels and known.marker == target else ""
    others = [other for name in names if (other := find_drug(name)) is not None]
    if known is not None and any(_alike(known, other) for other in others):
        return SAME_TARGET
    return ""


def is_of_class(drug: str, described: str) -> bool:
    """Whether a drug belongs to a class named in words, such as ``"ALK inhibitors"``.

    The words must stand in the drug table's class, one behind the other; BRAF inhibitors are RAF
    inhibitors too.
    """
    known = find_drug(drug)
    words = [word for word in _words(described.removesuffix("s")) if word != "inhibitor"]
    if known is None or not words:
        return False
    classes = _words(known.drug_class)
    classes += ["RAF"] if "BRAF" in classes else []
    spans = (classes[at : at + len(words)] for at in range(len(classes)))
    return any(span == words for span in spans)


def is_her2_drug(drug: str) -> bool:
    """Whether the drug table has a drug among those against HER2."""
    known = find_drug(drug)
    return known is not None and "her2" in known.panels


def _alike(one: Drug, other: Drug) -> bool:
    kinase = "kinase" in one.panels and "kinase" in other.panels
    return one.drug_class == other.drug_class or (kinase and one.marker == other.marker)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
