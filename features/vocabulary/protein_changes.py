"""Protein changes: the one-letter form of what mutation files write, and the effect that it shows.

Files write one change as ``p.H1047R``, ``p.(His1047Arg)``, ``NP_006209.2:p.His1047Arg``,
``PIK3CA:NM_006218:exon21:c.A3140G:p.H1047R`` (ANNOVAR, several of these with commas) or in lower
case, and several in one cell as ``p.[L858R;T790M]`` (den Dunnen et al., Hum Mutat 2016, DOI
10.1002/humu.22981).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import pandas as pd

_ONE_LETTER = {
    "ala": "A", "arg": "R", "asn": "N", "asp": "D", "cys": "C", "gln": "Q", "glu": "E",
    "gly": "G", "his": "H", "ile": "I", "leu": "L", "lys": "K", "met": "M", "phe": "F",
    "pro": "P", "ser": "S", "thr": "T", "trp": "W", "tyr": "Y", "val": "V", "ter": "*",
    "sec": "U", "xaa": "X", "stop": "*",
}  # fmt: skip
_RESIDUE = f"(?:{'|'.join(_ONE_LETTER)}|[a-ik-np-z*])"
_SPAN = re.compile(
    rf"(?P<first>{_RESIDUE})(?P<at>\d+)(?:_(?P<last>{_RESIDUE})(?P<end>\d+))?(?P<rest>.*)",
    re.IGNORECASE,
)
_SUBSTITUTE = re.compile(rf"(?:>|/)?({_RESIDUE})", re.IGNORECASE)
_SEVERAL = re.compile(rf"(?:{_RESIDUE})+", re.IGNORECASE)
_FRAMESHIFT = re.compile(rf"(?P<new>{_RESIDUE})?fs(?P<stop>.*)", re.IGNORECASE)
_STOP_AT = re.compile(r"(?:ter|stop|\*|x)(\d+|\?)?|(\d+)", re.IGNORECASE)
_EXTENSION = re.compile(rf"(?P<new>{_RESIDUE})?ext(?P<more>.*)", re.IGNORECASE)
# As Oncotator (DOI 10.1002/humu.22771) writes spans: CCLE's files have them.
_LETTERS_FIRST = re.compile(r"(?P<old>[A-Z]{2,})(?P<at>\d+)(?P<rest>(?:del|>).*)")
_LETTERS_LAST = re.compile(r"(?P<at>\d+)_(?P<end>\d+)(?P<old>[A-Z]+)>(?P<new>[A-Z]+)")
_PLACE_ONLY = re.compile(r"\d+_\d+ins[A-Z*]+")
_PROTEIN = re.compile(r"(?:^|[^A-Za-z0-9])p\.\s*", re.IGNORECASE)
# "p.V600E (c.1799T>A)", "p.H1047R/c.3140A>G", "E746_A750del (exon 19)": what follows the change.
_REMARK = re.compile(r"[\s(\[/_:;,]+[cgnmr]\..*$|(?<=\w)\s+\(.*$", re.IGNORECASE)
_OTHER_LEVEL = re.compile(r"(?:^|:)[cgnmr]\.", re.IGNORECASE)
_JOINED = re.compile(r"[,;|]")
# "L858R/T790M", "L858R + T790M": signs that single changes have as well ("p.V600E (c.1799T>A)").
_OTHERWISE_JOINED = re.compile(r"[+&/]|\band\b", re.IGNORECASE)
_TRANSCRIPT = re.compile(
    r"(?<![A-Z0-9])(?:[NXY][MPR]_|ENS[A-Z]*[TP]|CCDS|LRG_|uc)\d[\w.]*", re.IGNORECASE
)
_CHANGED_RESIDUE = re.compile(r"^([A-Z*]\d+)")
_SUBSTITUTION = re.compile(r"^[A-Z*]\d+[A-Z*]$")


def parse_change(text: str) -> str | None:
    """One-letter form of a protein change; None where the text holds none.

    Of several it is the first that can be read (`parse_changes` gives all). Names of deleted or
    doubled residues are left out, as HGVS has it.

    Examples
    --------
    >>> parse_change("NP_006209.2:p.(His1047Arg)"), parse_change("p.Glu746_Ala750delGluLeuArg")
    ('H1047R', 'E746_A750del')
    >>> parse_change("PIK3CA:NM_006218:exon21:c.A3140G:p.H1047R"), parse_change("p.?")
    ('H1047R', None)
    """
    found = parse_changes(text)
    return found[0] if found else None


# The builders of every fold, and the evidence, ask of the same calls.
@functools.lru_cache(maxsize=2**17)
def parse_changes(text: str) -> tuple[str, ...]:
    """One-letter forms of all protein changes of a text, each once; none where it holds none.

    A list that names transcripts has one change in the numbering of each (ANNOVAR): what is on the
    first transcript counts.

    Examples
    --------
    >>> parse_changes("p.[Leu858Arg;Thr790Met]"), parse_changes("H1047R;E545K")
    (('L858R', 'T790M'), ('H1047R', 'E545K'))
    >>> parse_changes("NM_006218:p.H1047R,NM_001:p.H1019R"), parse_changes("p.?")
    (('H1047R',), ())
    """
    found: dict[str, None] = {}
    first: str | None = None
    transcript: str | None = None
    for part in _JOINED.split(text):
        if named := _TRANSCRIPT.search(part):
            transcript = named[0]
        read = _parse_joined(part.strip())
        if not found:
            first = transcript
        if transcript == first:
            found |= dict.fromkeys(read)
    return tuple(found)


def _parse_joined(text: str) -> Sequence[str]:
    """Changes of a text, of which there is more than one only if all of its parts are changes."""
    whole = _parse_one(text)
    if whole is not None:
        return [whole]
    parts = [_parse_one(part.strip()) for part in _OTHERWISE_JOINED.split(text)]
    read = [part for part in parts if part is not None]
    return read if len(read) == len(parts) else []


def is_unchanged(text: str) -> bool:
    """Whether a text says that the protein stays as it is: ``p.=`` or ``p.Leu145=``."""
    # VEP writes "=" as "%3D".
    return text.replace("%3D", "=").strip().rstrip(")").endswith("=")


def _parse_one(text: str) -> str | None:
    place = _PROTEIN.search(text)
    told = _REMARK.sub("", text[place.end() :] if place else text)
    bare = re.sub(r"[()\[\]{}\s]", "", told)
    if not place:
        if _OTHER_LEVEL.search(text.strip()):
            return None
        bare = bare.rpartition(":")[2]
    if _PLACE_ONLY.fullmatch(bare):
        return bare
    found = _SPAN.fullmatch(_with_ends(bare))
    if found is None:
        return None
    first = _letter(found["first"]) + found["at"]
    last = f"_{_letter(found['last'])}{found['end']}" if found["last"] else ""
    rest = _rest(found["rest"], spans=bool(last))
    return None if rest is None else first + last + rest


def _with_ends(text: str) -> str:
    """HGVS spelling of Oncotator's spans: ``ELREA746del`` and ``544_546QQQ>Q``; else the text."""
    if found := _LETTERS_FIRST.fullmatch(text):
        end = int(found["at"]) + len(found["old"]) - 1
        return f"{found['old'][0]}{found['at']}_{found['old'][-1]}{end}{found['rest']}"
    if found := _LETTERS_LAST.fullmatch(text):
        first, last = (found["old"][0] + found["at"], found["old"][-1] + found["end"])
        return f"{first if first == last else f'{first}_{last}'}>{found['new']}"
    return text


def _rest(text: str, *, spans: bool) -> str | None:
    """What happens at a residue or a span, in one-letter form; None where it cannot be read."""
    lower = text.lower()
    if not text:
        return "" if not spans else None
    if lower in ("_splice", "?"):
        return lower
    if lower.startswith("delins") or (lower.startswith("del") and "ins" in lower):
        return "delins" + _letters(text[lower.index("ins") + 3 :])
    if lower.startswith(("del", "dup", "ins")):
        return lower[:3] + (_letters(text[3:]) if lower.startswith("ins") else "")
    if not spans and (found := _SUBSTITUTE.fullmatch(text)):
        letter = _letter(found[1])
        return "*" if letter == "X" else letter
    if found := _FRAMESHIFT.fullmatch(text):
        return _shifted(found)
    if found := _EXTENSION.fullmatch(text):
        return f"{_letter(found['new'] or '')}ext{_letters(found['more'])}"
    if text.startswith(">") and (found := _SEVERAL.fullmatch(text[1:])):
        return "delins" + _letters(found[0])
    if found := _SEVERAL.fullmatch(text):
        return "delins" + _letters(found[0])
    return None


def _shifted(found: re.Match[str]) -> str:
    stop = _STOP_AT.fullmatch(found["stop"])
    position = (stop[1] or stop[2] or "") if stop else ""
    return _letter(found["new"] or "") + "fs" + (f"*{position}" if stop and position else "")


def _letter(residue: str) -> str:
    """One-letter code of a residue in any case."""
    return _ONE_LETTER.get(residue.lower(), residue.upper())


def _letters(residues: str) -> str:
    """One-letter codes of several residues; what is none of them stays."""
    codes = "|".join(_ONE_LETTER)
    return re.sub(codes, lambda m: _letter(m[0]), residues, flags=re.IGNORECASE).upper()


def changes(protein_change: pd.Series) -> pd.Series:
    """One-letter form of each protein change; NaN where there is none.

    Each text is read once, however many calls have it.
    """
    levels = {text: parse_change(str(text)) for text in protein_change.dropna().unique()}
    found = [None if pd.isna(text) else levels[text] for text in protein_change.tolist()]
    return pd.Series(found, index=protein_change.index, dtype="str", name=protein_change.name)


def residue(protein_change: pd.Series) -> pd.Series:
    """Residue of each protein change: ``p.H1047R`` and ``p.His1047Arg`` are ``"H1047"``.

    Returns
    -------
    pandas.Series
        Reference amino acid and position (the first one of a range), NaN where there is none.
    """
    found = changes(protein_change).str.extract(_CHANGED_RESIDUE, expand=False)
    return pd.Series(found.astype("str"), index=protein_change.index, name=protein_change.name)


def substitutions(protein_change: pd.Series) -> pd.Series:
    """Substitutions in one-letter code: ``p.H1047R`` and ``p.His1047Arg`` are ``"H1047R"``.

    Returns
    -------
    pandas.Series
        NaN where the change is no substitution of one residue.
    """
    found = changes(protein_change)
    return found.where(found.str.fullmatch(_SUBSTITUTION).eq(True))


def effect_of_change(text: str) -> str:
    """Effect that a protein change shows by itself; ``"unknown"`` where it shows none.

    Examples
    --------
    >>> effect_of_change("p.H1047R"), effect_of_change("p.R213*"), effect_of_change("p.?")
    ('missense', 'truncating', 'unknown')
    """
    change = parse_change(text)
    if change is None and is_unchanged(text):
        return "silent"
    if change is not None and _PLACE_ONLY.fullmatch(change):
        return "truncating" if "*" in change else "inframe"
    if change is None or not (found := re.match(r"([A-Z*])(\d+)(.*)", change)) or not found[3]:
        return "unknown"
    before, position, after = found.groups()
    if after == before:
        return "silent"
    if after == "_splice":
        return "splice"
    if before == "*" or "ext" in after or (before, position) == ("M", "1"):
        return "start_stop"
    if after == "?":
        return "unknown"
    if "fs" in after or "*" in after:
        return "truncating"
    return "missense" if _SUBSTITUTION.fullmatch(change) else "inframe"
