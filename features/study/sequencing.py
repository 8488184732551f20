"""Which samples were sequenced, and which genes that covered: case list and gene panels."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.contents import read_pieces
from sidestep.features.files.limits import table_limits
from sidestep.features.files.tables import Table
from sidestep.features.identifiers import Samples
from sidestep.features.study.meta import read_fields
from sidestep.features.vocabulary.gene_names import candidates, resolve_labels

#: The case list of a study that says which samples were sequenced.
CASE_LIST = "case_lists/cases_sequenced.txt"
#: How its stable_id ends, whatever the file is called.
_LIST_ID = "_sequenced"
#: What a gene panel matrix writes for a whole exome or genome: every gene is covered.
_ALL_GENES = frozenset({"WES", "WXS", "WGS"})
_HEADER = re.compile(r"^#\s*sequenced_samples\s*:", re.IGNORECASE)


@dataclass(frozen=True)
class CaseList:
    """Samples that a file lists as sequenced.

    Attributes
    ----------
    file : str
        File name, relative to the study folder.
    samples : list of str
    digest : str
        sha256 of the file; empty where the list stands in the mutation file.
    """

    file: str
    samples: list[str]
    digest: str = ""


def read_case_list(folder: Path) -> CaseList | None:
    """Samples that the study's case list of sequenced samples names; None where there is none.

    It is ``case_lists/cases_sequenced.txt``, or whichever case list has a stable_id that ends in
    ``_sequenced``.

    Raises
    ------
    StudyError
        If the file has no line ``case_list_ids``.
    """
    path = folder / CASE_LIST
    if not path.is_file():
        found = _by_stable_id(folder)
        if found is None:
            return None
        path = found
    name = path.relative_to(folder).as_posix()
    fields, digest = read_fields(path, folder)
    if "case_list_ids" not in fields:
        message = f"{name} has no line 'case_list_ids: …' with the tab-separated sample names."
        raise study_error(message, name)
    return CaseList(name, split_list(fields["case_list_ids"]), digest)


def _by_stable_id(folder: Path) -> Path | None:
    """First case list, by name, whose stable_id says that it is of sequenced samples."""
    for path in sorted((folder / "case_lists").glob("*.txt")):
        fields, _ = read_fields(path, folder)
        if fields.get("stable_id", "").casefold().endswith(_LIST_ID):
            return path
    return None


def split_list(text: str) -> list[str]:
    """Items of a list, each once: between tabs, else commas or semicolons, else blanks."""
    separator = next((mark for mark in ("\t", "[,;]") if re.search(mark, text)), r"\s+")
    items = (item.strip() for item in re.split(separator, text))
    return [item for item in dict.fromkeys(items) if item]


def read_sequenced_header(path: Path, name: str) -> CaseList | None:
    """Samples of a MAF's line ``#Sequenced_Samples: …`` above its header; None without one."""
    for piece in read_pieces(path, name, table_limits(), hashlib.sha256()):
        line = piece.decode("utf-8", errors="replace").removeprefix("\ufeff").strip()
        if line and not line.startswith("#"):
            return None
        if found := _HEADER.match(line):
            return CaseList(name, split_list(line[found.end() :].strip()))
    return None


def sequenced_samples(
    listed: list[str] | None,
    called: list[str],
    samples: Samples,
    findings: Findings,
    where: str = CASE_LIST,
) -> list[str]:
    """Samples whose mutations were tested: the case list's, and any other with a call.

    Without a case list they are the samples with a call only, which a warning says: a sample
    without any mutation cannot then be told from one that was never sequenced. `where` names the
    list in messages.
    """
    if listed is None:
        findings.warn(
            f"{where} is absent, so only the {len(called)} sample(s) with a call in the "
            "mutation file count as sequenced; list the others there.",
            where,
        )
        return called
    sequenced = list(samples.resolve(listed, where).values())
    known = set(sequenced)
    unlisted = [sample for sample in called if sample not in known]
    if unlisted:
        findings.warn(
            f"{where} lacks {len(unlisted)} sample(s) that have calls, which count as "
            f"sequenced too: {some(unlisted)}.",
            where,
        )
    return sequenced + unlisted


def panel_paths(folder: Path, claimed: Collection[str]) -> list[Path]:
    """Gene panel files ``data_gene_panel_*.txt``, plain or gzipped.

    The panel matrix, and what a meta file claims as its data, is not one.
    """
    found = [*folder.glob("data_gene_panel_*.txt"), *folder.glob("data_gene_panel_*.txt.gz")]
    taken = {"data_gene_panel_matrix.txt", *(name.removesuffix(".gz") for name in claimed)}
    return sorted(path for path in found if path.name.removesuffix(".gz") not in taken)


def read_panel(path: Path, folder: Path) -> tuple[str, frozenset[str], str]:
    """A gene panel: its identifier, the genes it covers, and the sha256 of the file.

    Raises
    ------
    StudyError
        If `stable_id` or `gene_list` is missing.
    """
    fields, digest = read_fields(path, folder)
    for needed in ("stable_id", "gene_list"):
        if not fields.get(needed):
            message = f"{path.name} has no {needed}; a gene panel needs stable_id and gene_list."
            raise study_error(message, path.name)
    return fields["stable_id"], frozenset(split_list(fields["gene_list"])), digest


def panel_genes(
    panel: str,
    listed: Collection[str],
    by_entrez: Mapping[int, str],
    called: Collection[str],
    findings: Findings,
) -> frozenset[str]:
    """Approved symbols of a panel's genes, which may be listed by Entrez identifier.

    Parameters
    ----------
    panel : str
        Its identifier, for messages.
    listed : collection of str
        Symbols or Entrez identifiers.
    by_entrez : mapping of int to str
        See `gene_names.symbols_by_entrez`.
    called : collection of str
        Genes of the study's mutations: a symbol of several genes covers those with a call.
    """
    name_of = resolve_labels(sorted(listed), by_entrez)
    unknown = sorted(name for name in name_of.values() if name.startswith("entrez:"))
    if unknown:
        findings.warn(
            f"gene panel {panel}: no file of the study names the gene of {len(unknown)} Entrez "
            f"identifier(s), so these count as not covered: {some(unknown)}; list Hugo symbols.",
            f"data_gene_panel_{panel}.txt",
        )
    several = (gene for name in name_of.values() for gene in candidates(name) if gene in called)
    return frozenset(name_of.values()).union(several)


def read_panel_matrix(
    table: Table, profile: str, panels: Collection[str], samples: Samples, findings: Findings
) -> dict[str, str]:
    """Sample -> gene panel, as the matrix has it.

    Parameters
    ----------
    profile : str
        stable_id of the mutation profile, which names the matrix's column.
    panels : collection of str
        Panels that the study describes; a warning counts samples of others.

    Raises
    ------
    StudyError
        If the file has no SAMPLE_ID column.
    """
    sample, column = table.find("SAMPLE_ID"), table.find(profile, "mutations")
    if sample is None:
        raise study_error(f"{table.name} has no SAMPLE_ID column; add it.", table.name)
    if column is None:
        findings.warn(
            f"{table.name} has no column {profile!r}, so all genes count as covered.", table.name
        )
        return {}
    text = table.text([sample, column]).dropna()
    sample_of = samples.resolve(list(dict.fromkeys(text[sample])), table.name)
    panel_of = dict(zip(text[sample].map(sample_of), text[column], strict=True))
    warn_of_unknown_panels(table.name, panel_of.values(), panels, findings)
    return panel_of


def warn_of_unknown_panels(
    file: str, named: Iterable[str], panels: Collection[str], findings: Findings
) -> None:
    """Warn of panels that a file names and the study does not describe.

    Samples of these, and those sequenced whole (WES, WXS, WGS), count as covered in all genes.
    """
    unknown = sorted(set(named) - set(panels) - _ALL_GENES)
    if unknown:
        findings.warn(
            f"{file} names {len(unknown)} panel(s) without a data_gene_panel_….txt, so all "
            f"genes count as covered there: {some(unknown)}.",
            file,
        )
