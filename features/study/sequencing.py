"""Which samples were sequenced, and which genes that covered: case list and gene panels."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.tables import Table
from sidestep.features.identifiers import Samples
from sidestep.features.study.meta import read_fields

#: The case list of a study that says which samples were sequenced.
CASE_LIST = "case_lists/cases_sequenced.txt"
#: What a gene panel matrix writes for a whole exome or genome: every gene is covered.
_ALL_GENES = frozenset({"WES", "WXS", "WGS"})


def read_case_list(folder: Path) -> tuple[list[str], str] | None:
    """Samples that ``case_lists/cases_sequenced.txt`` names, and the sha256 of the file.

    None where the study has no such list.

    Raises
    ------
    StudyError
        If the file has no line ``case_list_ids``.
    """
    path = folder / CASE_LIST
    if not path.is_file():
        return None
    fields, digest = read_fields(path, folder)
    if "case_list_ids" not in fields:
        message = f"{CASE_LIST} has no line 'case_list_ids: …' with the tab-separated sample names."
        raise study_error(message, CASE_LIST)
    listed = [sample.strip() for sample in fields["case_list_ids"].split("\t")]
    return [sample for sample in dict.fromkeys(listed) if sample], digest


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
    return fields["stable_id"], frozenset(fields["gene_list"].split()), digest


def read_panel_matrix(
    table: Table, profile: str, panels: Collection[str], samples: Samples, findings: Findings
) -> dict[str, str]:
    """Sample -> gene panel, for the samples whose panel is known.

    Parameters
    ----------
    profile : str
        stable_id of the mutation profile, which names the matrix's column.
    panels : collection of str
        Panels that the study describes. Samples of other panels, which a warning counts, and
        those sequenced whole (WES, WXS, WGS) are left out: all genes count as covered there.

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
    unknown = sorted(set(panel_of.values()) - set(panels) - _ALL_GENES)
    if unknown:
        findings.warn(
            f"{table.name} names {len(unknown)} panel(s) without a data_gene_panel_….txt, so all "
            f"genes count as covered there: {some(unknown)}.",
            table.name,
        )
    return {name: panel for name, panel in panel_of.items() if panel in panels}
