"""Tables of mutations and fusions: a row a call, or a table of samples and genes."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.files.tables import MISSING
from sidestep.features.originals.given import Given
from sidestep.features.originals.levels import (
    COLUMNS,
    SAMPLE_COLUMNS,
    gene_feature,
    naming_column,
    told_lie,
)
from sidestep.features.originals.parts import Part, Source
from sidestep.features.study.mutations import COLUMN_TABLE
from sidestep.features.study.sequencing import split_list
from sidestep.features.vocabulary.protein_changes import parse_change

_SYMBOL, _SAMPLE = "Hugo_Symbol", "Tumor_Sample_Barcode"
#: Kind of table -> its column of samples in a study.
SAMPLE_COLUMN_OF: Final = {"mutations": _SAMPLE, "fusions": "Sample_Id"}
#: Meaning -> what its first column is called in a study.
_OWN: Final = {
    "gene": _SYMBOL,
    "sample": _SAMPLE,
    "effect": "Variant_Classification",
    "change": "HGVSp_Short",
    "entrez": "Entrez_Gene_Id",
    "chromosome": "Chromosome",
}
#: Coordinates, which Sidestep keeps for others and does not read.
_COORDINATES: Final = {
    "Start_Position": ("Start_Position", "Start_position", "Start", "Pos", "POS"),
    "End_Position": ("End_Position", "End_position", "End"),
    "Reference_Allele": ("Reference_Allele", "Ref", "REF"),
    "Tumor_Seq_Allele2": ("Tumor_Seq_Allele2", "Alt", "ALT", "Tumor_Seq_Allele1"),
    "NCBI_Build": ("NCBI_Build", "Build"),
}
_EXTRA: Final = re.compile(r"(?:^|;)([A-Za-z_]+)=([^;]*)")
_SEQUENCED: Final = re.compile(r"^#\s*sequenced_samples\s*:(.*)$", re.IGNORECASE)
_ENDINGS: Final = re.compile(
    r"(\.(gz|maf|txt|tsv|csv|parquet|vcf|vep|hg\d+_multianno|annotated|filtered))+$", re.IGNORECASE
)
#: What a cell of a table of samples and genes says of a gene that is not mutated, or not tested.
_WILD: Final = frozenset({"wt", "0", "0.0", "no", "none", "-", ".", "false", "wild type"})
_NOT_TESTED: Final = frozenset({"ns", "not sequenced", "not profiled"})
_MUTATED: Final = frozenset({"1", "1.0", "yes", "mut", "mutated", "true"})
_FUSED: Final = {
    "Sample_Id": ("Sample_Id", *SAMPLE_COLUMNS),
    "Site1_Hugo_Symbol": ("Site1_Hugo_Symbol", "Gene1", "Left_Gene", "LeftGene", "Gene_A"),
    "Site2_Hugo_Symbol": ("Site2_Hugo_Symbol", "Gene2", "Right_Gene", "RightGene", "Gene_B"),
}  # fmt: skip
_META: Final = {
    "genetic_alteration_type": "MUTATION_EXTENDED",
    "datatype": "MAF",
    "stable_id": "mutations",
    "show_profile_in_analysis_tab": "true",
    "profile_name": "Mutations",
}


def mutations_part(source: Source, given: Given, known: tuple[str, ...] = ()) -> Part:
    """A part of a table of mutations.

    A row a call in any dialect whose columns `study.mutations.COLUMN_TABLE` knows (MAF, VEP,
    ANNOVAR, SnpEff, COSMIC, DepMap, GDSC), or a table of samples and genes with protein changes in
    its cells. A table of calls without a column of samples is one sample's, named as the file is.

    Raises
    ------
    InputError
        If it has no column of genes, or cells that say no more than that a gene is mutated.
    """
    columns = {
        meaning: list(dict.fromkeys(c for n in names if (c := given.table.find(n)) is not None))
        for meaning, names in COLUMN_TABLE.load().items()
    }
    if source.exact:
        return _as_it_is(source, given)
    if given.named("CHROM") is not None and given.named("INFO") is not None:
        raise InputError(
            f"{given.path} is a VCF, which names no genes; annotate it and write a table (VEP "
            "--tab, SnpSift extractFields, vcf2maf), and give that"
        )
    extra = given.table.find("Extra")
    if (columns["gene"] and (columns["effect"] or columns["change"])) or extra is not None:
        return _of_calls(source, given, columns, extra)
    return _of_wide(source, given, known)


def _as_it_is(source: Source, given: Given) -> Part:
    """Calls of an exported study."""
    table = given.table.text(given.table.columns)
    samples = tuple(map(str, table[_SAMPLE].dropna().unique()))
    return Part(
        "mutations", given.file, "mutations", samples, table, source.meta, sample_column=_SAMPLE,
        sequenced=source.sequenced, panels=source.panels, panel_of=source.panel_of,
    )  # fmt: skip


def _of_calls(
    source: Source, given: Given, columns: dict[str, list[str]], extra: str | None
) -> Part:
    kept = list(dict.fromkeys(column for several in columns.values() for column in several))
    coordinates = {
        new: column
        for new, names in _COORDINATES.items()
        if (column := given.table.find(*names)) is not None and column not in kept
    }
    text = given.table.text([*kept, *coordinates.values()])
    names = {several[0]: _OWN[m] for m, several in columns.items() if several and m in _OWN}
    text = text.rename(columns=names | {column: new for new, column in coordinates.items()})
    told = [f"{given.file}: a row a call, {len(text):,} of them"]
    if extra is not None:
        text, columns = _with_extra(text, given, extra, columns)
    for own in (_SYMBOL, "Variant_Classification"):
        if own not in text:
            raise InputError(
                f"{given.path} has no column that names the "
                f"{'gene' if own == _SYMBOL else 'effect'} of a call; call it {own}, or annotate "
                "the calls first (VEP, SnpEff, ANNOVAR)"
            )
    if _SAMPLE not in text:
        sample = source.name or _ENDINGS.sub("", given.path.name)
        text.insert(0, _SAMPLE, sample)
        told.append(f"{given.file}: no column names samples, so all calls are of sample {sample}")
    missing = text[_SAMPLE].isna()
    if missing.any():
        place = given.table.row(int(missing.to_numpy().argmax()))
        raise InputError(f"{given.path}, {place} names no sample; name the call's sample")
    listed = [split_list(m[1]) for line in given.above if (m := _SEQUENCED.match(line))]
    sequenced = source.sequenced or (tuple(listed[0]) if listed else None)
    samples = tuple(map(str, text[_SAMPLE].unique()))
    return _part(given.file, text, samples, sequenced, told)


def _part(
    file: str,
    table: pd.DataFrame,
    samples: tuple[str, ...],
    sequenced: tuple[str, ...] | None,
    told: list[str],
) -> Part:
    first = [_SYMBOL, _SAMPLE, "Variant_Classification"]
    table = table[[*first, *(column for column in table.columns if column not in first)]]
    meta = {**_META, "profile_description": f"Imported from {file}."}
    return Part(
        "mutations", file, "mutations", samples, table, meta,
        sample_column=_SAMPLE, sequenced=sequenced, told=tuple(told),
    )  # fmt: skip


def _with_extra(
    text: pd.DataFrame, given: Given, extra: str, columns: dict[str, list[str]]
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Calls with what VEP writes into one column: ``IMPACT=HIGH;SYMBOL=ERBB2``."""
    cells = given.table.text([extra])[extra]
    pairs = pd.DataFrame(
        [dict(_EXTRA.findall(cell)) if isinstance(cell, str) else {} for cell in cells],
        index=text.index,
    )
    for meaning, names in COLUMN_TABLE.load().items():
        for name in (*names, *(("IND",) if meaning == "sample" else ())):
            own = _OWN.get(meaning, name)
            # VEP's column Gene holds identifiers; its symbols stand here.
            if name in pairs and (own not in text or name == "SYMBOL"):
                text = text.assign(**{own: pairs[name]})
    return text, columns


def _of_wide(source: Source, given: Given, known: tuple[str, ...]) -> Part:
    """Calls of a table of samples and genes."""
    feature = gene_feature()
    table = given.table
    lie = source.lie or told_lie(given, feature, naming_column(given, feature), known)
    genes_down = lie == COLUMNS
    named = naming_column(given, feature) if genes_down else given.named(*SAMPLE_COLUMNS)
    label = named or table.columns[0]
    others = [c for c in table.columns if c != label and (genes_down or feature.is_one(c))]
    text = table.text([label, *others]).set_index(label)
    wide = text.T if genes_down else text
    calls, counts = _calls_of_cells(wide)
    if not len(calls) and counts:
        raise InputError(
            f"{given.path}: its cells ({some(list(counts))}) say that genes are mutated and not "
            "how; give the calls themselves (a MAF), or protein changes such as H1047R"
        )
    tested = ~wide.apply(lambda cells: cells.isna() | cells.str.casefold().isin(_NOT_TESTED))
    samples = tuple(map(str, wide.index[tested.any(axis=1)]))
    told = [f"{given.file}: a table of {len(wide):,} samples and {wide.shape[1]:,} genes"]
    if counts:
        told.append(f"{given.file}: cells that name no protein change count as wild type: "
                    f"{some([f'{word} ({n:,})' for word, n in counts.items()])}")  # fmt: skip
    genes = tuple(map(str, wide.columns))
    part = _part(given.file, calls, samples, source.sequenced or samples, told)
    return Part(**{**vars(part), "panels": {"imported": genes},
                   "panel_of": dict.fromkeys(samples, "imported")})  # fmt: skip


def _calls_of_cells(wide: pd.DataFrame) -> tuple[pd.DataFrame, Counter[str]]:
    """Calls of cells such as ``H1047R`` or ``V600E, R273H``, and words that are none."""
    rows: list[tuple[str, str, str, str]] = []
    unread: Counter[str] = Counter()
    for gene, cells in wide.items():
        for sample, cell in cells[~cells.isna()].items():
            if cell.casefold() in _WILD or cell.casefold() in _NOT_TESTED or cell in MISSING:
                continue
            for word in filter(None, re.split(r"[\s,;/|]+", cell)):
                change = word if word.startswith("p.") else f"p.{word}"
                if word.casefold() in _MUTATED or parse_change(change) is None:
                    unread[word] += 1
                else:
                    rows.append((str(gene), str(sample), "NA", change))
    return pd.DataFrame(
        rows, columns=[_SYMBOL, _SAMPLE, "Variant_Classification", "HGVSp_Short"], dtype="str"
    ), unread


def fusions_part(source: Source, given: Given) -> Part:
    """A part of a table of fusions: a row each, two genes.

    Raises
    ------
    InputError
        If it does not name a sample and two genes.
    """
    found = {own: given.named(*names) for own, names in _FUSED.items()}
    if missing := [own for own, column in found.items() if column is None]:
        raise InputError(
            f"{given.path} has no column {some(missing)}; name the sample and both genes of each "
            "fusion"
        )
    text = given.table.text([str(column) for column in found.values()])
    table = text.set_axis(list(found), axis=1)
    meta = {
        "genetic_alteration_type": "STRUCTURAL_VARIANT",
        "datatype": "SV",
        "stable_id": "structural_variants",
        "show_profile_in_analysis_tab": "true",
        "profile_name": "Structural variants",
        "profile_description": f"Imported from {given.file}.",
    }
    samples = tuple(map(str, table["Sample_Id"].dropna().unique()))
    return Part("fusions", given.file, "sv", samples, table, meta, sample_column="Sample_Id",
                told=(f"{given.file}: {len(table):,} fusions",))  # fmt: skip
