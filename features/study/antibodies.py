"""Antibody names: which protein, and which of its sites, each one measures."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.matrix import ConvertedRows, Matrix, note_repeated
from sidestep.features.files.rows import AnyTable, MatrixRows, ValueSketch, read_matrix_rows
from sidestep.features.files.store import MatrixStore
from sidestep.features.files.tables import row_name
from sidestep.features.identifiers import Samples, match_key
from sidestep.features.knowledge.rows import KnowledgeTable, keyed
from sidestep.features.knowledge.symbols import current_symbol
from sidestep.features.study.genes import note_unprofiled, require_rows, sample_columns

_CAUTION = re.compile(r"[\s_.-]*caution$", re.IGNORECASE)
_VALIDATION = re.compile(r"[-.][RMGTSC][-.](?:V|C|QC|E|NA|U)$")
_PARENTHESES = re.compile(r"\s*\(([^)]*)\)")
_RESIDUE_WORD = re.compile(r"^(Lys|Asp|Ser|Thr|Tyr)-?(\d+)$", re.IGNORECASE)
_LETTER = {"lys": "K", "asp": "D", "ser": "S", "thr": "T", "tyr": "Y"}
_PHOSPHO = re.compile(r"(?:[-_\s.]+p([STY]\d+)|p([STY]\d{2,}))((?:[-_\s.,/]+p?[STY]?\d+)*)$")
_CLEAVED_LAST = re.compile(r"[-_\s.]*cleaved[-_\s.]*([A-Z]?\d+)?$", re.IGNORECASE)
_CLEAVED_FIRST = re.compile(r"^cleaved[-_\s.]+", re.IGNORECASE)
_ACETYL_FIRST = re.compile(r"^acetyl(?:ated)?[-_\s.]+", re.IGNORECASE)
_ACETYLATED = re.compile(r"_ac(K\d+)?$")
_ACETYL_LAST = re.compile(r"[-_\s.]+(?:ac)?(?:Lys|K)(\d+)$|[-_\s.]+acK?(\d+)$")
_SITE = re.compile(r"([A-Za-z]*?)([STYKD]?)(\d+)$")


#: Base name of an antibody, as `match_key` has it -> the genes that it may measure.
ANTIBODY_TABLE = KnowledgeTable(
    "antibodies.tsv",
    ("antibody", "genes", "source"),
    keyed("antibody", lambda row: row.parts("genes", " "), match_key),
)


@dataclass(frozen=True)
class Antibody:
    """What an antibody measures.

    Attributes
    ----------
    genes : tuple of str
        Approved symbols that it cannot tell apart; the first one leads.
    site : str
        ``""`` for the total protein, else for example ``pS473``, ``pT202_Y204``, ``cleavedD198``,
        ``acK40``.
    caution : bool
        Whether the source flags it (``_Caution``, or a validation code C: use with caution).
    known : bool
        Whether the gene is given by the name's prefix or by the antibody table.
    """

    genes: tuple[str, ...]
    site: str
    caution: bool
    known: bool

    @property
    def canonical(self) -> str:
        """``GENE`` or ``GENE_site`` with the lead gene."""
        return f"{self.genes[0]}_{self.site}" if self.site else self.genes[0]


@dataclass(frozen=True)
class ProteinLevels:
    """Protein levels of a file.

    Attributes
    ----------
    values : Matrix
        Samples x canonical antibodies.
    antibodies : pandas.DataFrame
        Table of those antibodies.
    sketch : ValueSketch
        Of the file's numbers.
    flat : tuple of str
        Samples that are left out, because nearly all of their numbers are the same.
    """

    values: Matrix
    antibodies: pd.DataFrame
    sketch: ValueSketch
    flat: tuple[str, ...] = ()

    def converted(self, convert: Callable[[np.ndarray], np.ndarray]) -> ProteinLevels:
        """The same on another scale; see `features.files.matrix.ConvertedRows`."""
        rows = ConvertedRows(self.values.rows, convert)
        return replace(self, values=replace(self.values, rows=rows))


def parse_antibody(name: str) -> Antibody:
    """Read an antibody's name in the style of TCPA, CCLE or MD Anderson.

    Parameters
    ----------
    name : str
        ``GENE|antibody`` (several genes with spaces) or the antibody alone.

    Examples
    --------
    >>> parse_antibody("ERBB2|HER2_pY1248_Caution").canonical
    'ERBB2_pY1248'
    >>> parse_antibody("Caspase-7_cleavedD198-R-V").canonical
    'CASP7_cleavedD198'
    """
    prefix, bar, rest = name.partition("|")
    genes = tuple(dict.fromkeys(map(current_symbol, prefix.split()))) if bar else ()
    base = (rest if bar else name).strip()
    caution = bool(_CAUTION.search(base)) or bool(re.search(r"[-.][RMGTSC][-.]C$", base))
    base = _CAUTION.sub("", _VALIDATION.sub("", _CAUTION.sub("", base))).strip()
    base, site = _split_site(base)
    if genes:
        return Antibody(genes, site, caution, True)
    alias = ANTIBODY_TABLE.load().get(match_key(base))
    if alias:
        return Antibody(alias, site, caution, True)
    bare = re.sub(r"[\s_]+", "-", base) or name.strip()
    return Antibody((bare,), site, caution, False)


def _split_site(name: str) -> tuple[str, str]:
    residues = [_RESIDUE_WORD.match(inside) for inside in _PARENTHESES.findall(name)]
    words = [_LETTER[r.group(1).lower()] + r.group(2) for r in residues if r]
    base = _PARENTHESES.sub("", name).strip()
    position = words[0] if words else ""
    if found := _PHOSPHO.search(base):
        first = found.group(1) or found.group(2)
        others = [part.lstrip("p") for part in re.findall(r"p?[STY]?\d+", found.group(3))]
        return base[: found.start()].strip(), "_".join([f"p{first}", *others])
    if found := _CLEAVED_LAST.search(base):
        return base[: found.start()].strip(), f"cleaved{found.group(1) or position}"
    if found := _CLEAVED_FIRST.match(base):
        return base[found.end() :].strip(), f"cleaved{position}"
    if found := _ACETYLATED.search(base):  # a canonical name
        return base[: found.start()].strip(), f"ac{found.group(1) or position}"
    if found := _ACETYL_FIRST.match(base):
        base = base[found.end() :].strip()
        if last := _ACETYL_LAST.search(base):
            base, position = base[: last.start()], f"K{last.group(1) or last.group(2)}"
        return base, f"ac{position}"
    return base, f"p{position}" if position[:1] in ("S", "T", "Y") else ""


def match_antibodies(wanted: Iterable[str], available: Iterable[str]) -> dict[str, str]:
    """Antibody of one study that stands for an antibody of another.

    Parameters
    ----------
    wanted, available : iterable of str
        Canonical names.

    Returns
    -------
    dict
        Wanted -> available: the same name where there is one, else the only antibody of the same
        gene and the same kind of modification whose sites overlap (``EIF4EBP1_pT37`` stands for
        ``EIF4EBP1_pT37_T46``). Wanted antibodies without such a partner are left out.
    """
    return dict(_matched(tuple(wanted), tuple(available)))


@functools.lru_cache(maxsize=2**10)  # the parts of a study ask again and again
def _matched(wanted: tuple[str, ...], available: tuple[str, ...]) -> Mapping[str, str]:
    names = dict.fromkeys(available)
    by_gene: dict[str, list[str]] = {}
    for name in names:
        by_gene.setdefault(name.partition("_")[0], []).append(name)
    matched: dict[str, str] = {}
    for name in wanted:
        gene, _, site = name.partition("_")
        if name in names:
            matched[name] = name
        elif site:
            fits = [a for a in by_gene.get(gene, ()) if _overlap(site, a.partition("_")[2])]
            if len(fits) == 1:
                matched[name] = fits[0]
    return matched


def _overlap(one: str, other: str) -> bool:
    kind_one, sites_one = _sites(one)
    kind_other, sites_other = _sites(other)
    if kind_one != kind_other or not other:
        return False
    unplaced = kind_one in ("cleaved", "ac") and not (sites_one and sites_other)
    return unplaced or bool(sites_one & sites_other)


def _sites(site: str) -> tuple[str, frozenset[str]]:
    """Kind of modification and its residues; a follow-up without a letter takes the first's."""
    kind = re.match(r"p(?=[STY])|cleaved|ac|", site)
    name = kind.group() if kind else ""
    letter, residues = "", []
    for part in site.removeprefix(name).split("_"):
        if found := _SITE.match(part):
            letter = found.group(2) or letter
            residues.append(letter + found.group(3))
    return name, frozenset(residues)


def read_protein_levels(
    table: AnyTable, samples: Samples, findings: Findings, store: MatrixStore | None = None
) -> ProteinLevels:
    """Read an RPPA file; rows with one canonical name are averaged sample by sample.

    Parameters
    ----------
    store : MatrixStore, optional
        Where the numbers of a large table go.

    Raises
    ------
    StudyError
        If the file has no Composite.Element.REF column, no rows, a row without a name, or a cell
        that is no number.
    """
    label = table.find("Composite.Element.REF")
    if label is None:
        message = (
            f"{table.name} has no Composite.Element.REF column; name the antibodies' column so."
        )
        raise study_error(message, table.name)
    require_rows(table)
    columns = sample_columns(table, samples, findings)
    sample_of = samples.resolve(columns, table.name)
    rows = read_matrix_rows(table, [label], columns, store)
    names = rows.text[label]
    if names.isna().any():
        place = row_name(rows.lines[int(names.isna().to_numpy().argmax())])
        raise study_error(f"{table.name}, {place} names no antibody.", table.name, place, label)
    return protein_levels(
        list(names), rows, [sample_of[column] for column in columns], table.name, findings
    )


def protein_levels(
    names: Sequence[str], rows: MatrixRows, samples: Sequence[str], file: str, findings: Findings
) -> ProteinLevels:
    """Protein levels under canonical names; antibodies of one such name are averaged.

    Parameters
    ----------
    names : sequence of str
        Antibodies, as their source writes them.
    rows : MatrixRows
        Their numbers.
    samples : sequence of str
        Sample of each row of the numbers.
    file : str
        Where they come from, for messages.
    findings : Findings
    """
    parsed = [parse_antibody(str(name)) for name in names]
    _note_unknown(parsed, file, findings)
    note_unprofiled(samples, rows.measured, file, findings)
    canonical = pd.Index([antibody.canonical for antibody in parsed], dtype="str")
    note_repeated(canonical, file, "antibody name", findings)
    flat = tuple(samples[at] for at in np.flatnonzero(rows.flat).tolist())
    values = rows.without(rows.flat).matrix(samples, canonical)
    return ProteinLevels(values, _describe(names, parsed), rows.sketch, flat)


def _note_unknown(parsed: Sequence[Antibody], file: str, findings: Findings) -> None:
    unknown = list(dict.fromkeys(a.genes[0] for a in parsed if not a.known))
    if unknown:
        findings.note(
            f"{file}: the gene of {len(unknown)} antibody name(s) is not known, so the name stands "
            f"for it: {some(unknown)}; write 'GENE|antibody' to name it.",
            file,
        )


def _describe(names: Sequence[str], parsed: Sequence[Antibody]) -> pd.DataFrame:
    """Table of canonical antibodies: `genes, gene, site, source, caution`."""
    rows = pd.DataFrame(
        {
            "canonical": [antibody.canonical for antibody in parsed],
            "genes": [" ".join(antibody.genes) for antibody in parsed],
            "gene": [antibody.genes[0] for antibody in parsed],
            "site": [antibody.site for antibody in parsed],
            "source": list(names),
            "caution": [antibody.caution for antibody in parsed],
        }
    )
    return rows.groupby("canonical", sort=False).agg(
        genes=("genes", lambda genes: " ".join(dict.fromkeys(" ".join(genes).split()))),
        gene=("gene", "first"),
        site=("site", "first"),
        source=("source", "; ".join),
        caution=("caution", "any"),
    )
