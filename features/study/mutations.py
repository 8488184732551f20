"""Mutations and structural variants: which calls there are, of what kind, in which residue.

A MAF's calls keep the words of their file; `is_nonsilent`, `is_truncating` and `residue` say what
these mean. A structural variant is kept as the two genes that it joins.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd
from pandas.api.types import union_categoricals

from sidestep.features.errors import Findings, StudyError, study_error
from sidestep.features.files.large_tables import LargeTable
from sidestep.features.files.tables import Table
from sidestep.features.identifiers import Samples
from sidestep.features.study.genes import gene_pairs, read_entrez

_TRUNCATING = frozenset([
    "nonsense_mutation", "frame_shift_del", "frame_shift_ins", "frameshift_variant",
    "frameshift", "frame_shift", "splice_site", "stop_gained", "splice_acceptor_variant",
    "splice_donor_variant", "transcript_ablation", "frameshift_deletion",
    "frameshift_insertion", "nonsense",
])  # fmt: skip
_OTHER_NONSILENT = frozenset([
    "missense_mutation", "missense_variant", "missense", "in_frame_del", "in_frame_ins",
    "inframe_deletion", "inframe_insertion", "in_frame_deletion", "in_frame_insertion",
    "protein_altering_variant", "nonstop_mutation", "stop_lost", "translation_start_site",
    "start_lost", "initiator_codon_variant", "de_novo_start_outofframe",
    "de_novo_start_inframe", "start_codon_snp", "start_codon_del", "start_codon_ins",
    "stop_codon_del", "stop_codon_ins",
])  # fmt: skip
_PROTEIN_CHANGE = ("HGVSp_Short", "HGVSp", "Protein_Change", "Amino_Acid_Change")
_COLUMNS = ("sample_id", "gene", "classification", "protein_change")
_ONE_LETTER = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E",
    "Gly": "G", "His": "H", "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F",
    "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W", "Tyr": "Y", "Val": "V", "Ter": "*",
    "Sec": "U",
}  # fmt: skip
_THREE_LETTER = re.compile("|".join(_ONE_LETTER))
_RESIDUE = re.compile(r"^(?:[\w.]+:)?(?:p\.)?\(?([A-Z*]\d+)")


@dataclass(frozen=True)
class MutationCalls:
    """Calls of one MAF, and the (symbol, Entrez) pairs that it gives.

    Attributes
    ----------
    calls : pandas.DataFrame
        `sample_id, gene, classification, protein_change`, one call a row, silent calls kept.
    entrez : pandas.Series
        Hugo symbol -> Entrez identifier (Int64).
    """

    calls: pd.DataFrame
    entrez: pd.Series


def is_nonsilent(classification: pd.Series) -> pd.Series:
    """Whether each `Variant_Classification` changes the protein (MAF and VEP names).

    Missense, truncating, in-frame, nonstop and start-site calls do; Silent, RNA, Intron, UTR,
    flank, splice-region and unknown names do not.
    """
    return _terms(classification, _TRUNCATING | _OTHER_NONSILENT)


def is_truncating(classification: pd.Series) -> pd.Series:
    """Whether each `Variant_Classification` cuts the protein short.

    Nonsense, frameshift and splice-site calls do.
    """
    return _terms(classification, _TRUNCATING)


def _terms(classification: pd.Series, wanted: frozenset[str]) -> pd.Series:
    # VEP joins the consequences of one call with '&' or ','; one that counts is enough.
    levels = {
        level: any(
            term.strip().replace(" ", "_").casefold() in wanted
            for term in re.split(r"[&,;]", str(level))
        )
        for level in classification.dropna().unique()
    }
    return classification.map(levels).eq(True).astype(bool)


def residue(protein_change: pd.Series) -> pd.Series:
    """Residue of each protein change: ``p.H1047R`` and ``p.His1047Arg`` are ``"H1047"``.

    Returns
    -------
    pandas.Series
        Reference amino acid and position (the first one of a range), NaN where there is none.
    """
    found = [None if pd.isna(change) else _residue(change) for change in protein_change.tolist()]
    return pd.Series(found, index=protein_change.index, dtype="str", name=protein_change.name)


# The builders of every fold, and the evidence, ask of the same calls.
@functools.lru_cache(maxsize=2**17)
def _residue(change: str) -> str | None:
    short = _THREE_LETTER.sub(lambda m: _ONE_LETTER[m.group()], change.strip())
    found = _RESIDUE.search(short)
    return found.group(1) if found else None


def read_mutations(
    table: Table | LargeTable, samples: Samples, findings: Findings
) -> MutationCalls:
    """Read a MAF; the calls of a large one are categories, a few bytes a call.

    A call whose gene has no Hugo symbol is left out, with a warning.

    Raises
    ------
    StudyError
        If Hugo_Symbol, Tumor_Sample_Barcode or Variant_Classification is absent, or a call has
        no sample.
    """
    found = {
        needed: table.find(needed)
        for needed in ("Hugo_Symbol", "Tumor_Sample_Barcode", "Variant_Classification")
    }
    absent = [needed for needed, column in found.items() if column is None]
    if absent:
        message = (
            f"{table.name} lacks {len(absent)} column(s) that a MAF needs: {', '.join(absent)}."
        )
        raise study_error(message, table.name)
    gene, sample, kind = (column for column in found.values() if column is not None)
    change, entrez = table.find(*_PROTEIN_CHANGE), table.find("Entrez_Gene_Id")
    maf = _read_calls(table, sample, [sample, gene, kind, change], entrez)
    if change is None:
        findings.note(
            f"{table.name} has no HGVSp_Short column: hotspots cannot be told.", table.name
        )
    sample_of = samples.resolve(list(maf.samples), table.name)
    calls = _joined(maf.parts, large=isinstance(table, LargeTable))
    names = calls["sample_id"]
    if names.dtype == "category":
        calls["sample_id"] = names.cat.rename_categories(sample_of)
    else:
        calls["sample_id"] = names.map(sample_of).astype("str")
    if maf.wrong_entrez is not None:
        raise maf.wrong_entrez
    pairs = pd.concat(maf.pairs)
    return MutationCalls(_with_gene(calls, table.name, findings), pairs[~pairs.index.duplicated()])


@dataclass
class _MafCalls:
    """A MAF's calls as they were read, part after part."""

    parts: list[pd.DataFrame] = field(default_factory=list)
    samples: dict[str, None] = field(default_factory=dict)
    pairs: list[pd.Series] = field(default_factory=list)
    wrong_entrez: StudyError | None = None


def _read_calls(
    table: Table | LargeTable, sample: str, columns: Sequence[str | None], entrez: str | None
) -> _MafCalls:
    """Sample, gene, classification and change of each call, in whatever column they stand."""
    maf = _MafCalls()
    wanted = [column for column in (*columns, entrez) if column is not None]
    for block in table.blocks():
        text = block.text(wanted)
        if text[sample].isna().any():
            place = block.row(int(text[sample].isna().to_numpy().argmax()))
            message = f"{table.name}, {place} has no Tumor_Sample_Barcode; name the call's sample."
            raise study_error(message, table.name, place, sample)
        none = pd.Series(pd.NA, text.index, "str")
        calls = [none if column is None else text[column] for column in columns]
        maf.parts.append(pd.DataFrame(dict(zip(_COLUMNS, calls, strict=True))))
        if isinstance(table, LargeTable):
            maf.parts[-1] = maf.parts[-1].astype("category")
        maf.samples |= dict.fromkeys(text[sample])
        try:
            numbers = read_entrez(table.name, entrez, text, block.lines)
            maf.pairs.append(gene_pairs(calls[1], numbers))
        except StudyError as error:
            maf.wrong_entrez = maf.wrong_entrez or error
    return maf


def _joined(parts: Sequence[pd.DataFrame], *, large: bool) -> pd.DataFrame:
    """Parts that follow each other, as one; categories of all of them."""
    if not large:
        return pd.concat(parts, ignore_index=True)
    return pd.DataFrame({name: union_categoricals([p[name] for p in parts]) for name in _COLUMNS})


def _with_gene(calls: pd.DataFrame, file: str, findings: Findings) -> pd.DataFrame:
    nameless = int(calls["gene"].isna().sum())
    if nameless:
        findings.warn(f"{file}: {nameless} call(s) without a Hugo_Symbol are left out.", file)
    return calls[calls["gene"].notna()].reset_index(drop=True)


def read_fusions(table: Table, samples: Samples) -> pd.DataFrame:
    """Read a STRUCTURAL_VARIANT file.

    Returns
    -------
    pandas.DataFrame
        `sample_id, gene_a, gene_b`, one variant a row; a gene is NaN where the file names one
        partner only.

    Raises
    ------
    StudyError
        If Sample_Id, Site1_Hugo_Symbol or Site2_Hugo_Symbol is absent, or a row has no sample.
    """
    needed = ("Sample_Id", "Site1_Hugo_Symbol", "Site2_Hugo_Symbol")
    found = [table.find(name) for name in needed]
    absent = [name for name, column in zip(needed, found, strict=True) if column is None]
    if absent:
        message = (
            f"{table.name} lacks {len(absent)} column(s) that structural variants need: "
            f"{', '.join(absent)}."
        )
        raise study_error(message, table.name)
    columns = [column for column in found if column is not None]
    text = table.text(columns).set_axis(["sample_id", "gene_a", "gene_b"], axis=1)
    if text["sample_id"].isna().any():
        place = table.row(int(text["sample_id"].isna().to_numpy().argmax()))
        raise study_error(f"{table.name}, {place} has no Sample_Id.", table.name, place)
    sample_of = samples.resolve(list(dict.fromkeys(text["sample_id"])), table.name)
    return text.assign(sample_id=text["sample_id"].map(sample_of).astype("str"))
