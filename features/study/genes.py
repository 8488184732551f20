"""Genes x samples files: which columns are samples, and what each row's gene is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, some, study_error
from sidestep.features.files.matrix import Matrix, note_repeated
from sidestep.features.files.rows import AnyTable, MatrixRows, read_matrix_rows
from sidestep.features.files.sample_major import SampleMajorTable
from sidestep.features.files.store import MatrixStore
from sidestep.features.files.tables import row_name
from sidestep.features.identifiers import Samples
from sidestep.features.knowledge.rows import KnowledgeTable, columns_by_meaning
from sidestep.features.knowledge.symbols import symbol_table
from sidestep.features.vocabulary.account import Account
from sidestep.features.vocabulary.gene_names import (
    CHROMOSOME,
    LARGEST_ENTREZ,
    NameCount,
    candidates,
    split_names,
)

#: Meaning (symbol, entrez, place) -> columns of genes x samples files that have it, by rank.
COLUMN_TABLE = KnowledgeTable(
    "gene_columns.tsv", ("meaning", "column", "source"), columns_by_meaning
)
#: Columns that describe a row, in the files of cBioPortal and of its sources.
_ANNOTATIONS = frozenset([
    "hugo_symbol", "entrez_gene_id", "gene_symbol", "gene", "gene_id", "cytoband", "locus_id",
    "composite.element.ref", "entity_stable_id", "name", "description", "url",
    "ensembl_gene_id", "ensembl_id", "transcript_id", "chromosome", "chr", "start", "end",
    "strand", "length", "biotype", "id", "locus id", "gene symbol", "entrez id", "hgnc_symbol",
    "gene_name", "symbol", "entrez_id",
])  # fmt: skip


@dataclass(frozen=True)
class GeneRows:
    """A genes x samples file before its rows have their final names.

    Attributes
    ----------
    file : str
        File name for messages.
    symbols : pandas.Series
        Hugo symbol of each row, NaN where the file has none.
    entrez : pandas.Series
        Entrez identifier (Int64) of each row, missing where the file has none.
    samples : tuple of str
        Sample of each column.
    numbers : MatrixRows
        Rows of the file x these samples.
    calls : bool
        Whether the numbers are calls, which are not averaged.
    """

    file: str
    symbols: pd.Series
    entrez: pd.Series
    samples: tuple[str, ...]
    numbers: MatrixRows
    calls: bool = False


def sample_columns(
    table: AnyTable, samples: Samples, findings: Findings, described: Iterable[str] = ()
) -> list[str]:
    """Columns of a matrix that hold samples.

    A column is a sample if the study knows its name. Otherwise it is an annotation if its name is
    a usual one for that, or if it stands before all samples and holds text.

    Parameters
    ----------
    described : iterable of str
        Further names of annotation columns (`generic_entity_meta_properties`).
    """
    if isinstance(table, SampleMajorTable):
        return list(table.file.samples)
    known = _ANNOTATIONS | {name.strip().casefold() for name in described}
    candidates = [c for c in table.columns if c in samples or c.casefold() not in known]
    leading: list[str] = []
    for column in candidates:
        if column in samples or not table.is_text(column):
            break
        leading.append(column)
    if leading:
        findings.note(
            f"{table.name}: column(s) {some(leading)} hold text and name no known sample, so they "
            "are taken as annotation.",
            table.name,
        )
    chosen = candidates[len(leading) :]
    if not chosen:
        raise study_error(
            f"{table.name} has no sample column: a column of a sample holds numbers, and its first "
            "line the sample's name.", table.name
        )  # fmt: skip
    return chosen


def read_entrez(file: str, column: str | None, text: pd.DataFrame, lines: np.ndarray) -> pd.Series:
    """Entrez identifiers of a table's rows as Int64; missing, zero and negative ones are NA.

    Raises
    ------
    StudyError
        If one is no whole number, or larger than any gene's.
    """
    if column is None:
        return pd.Series(pd.NA, index=text.index, dtype="Int64")
    numbers = pd.to_numeric(text[column], errors="coerce").astype(float)
    whole = (numbers % 1 == 0) & (numbers <= LARGEST_ENTREZ)
    bad = text[column].notna() & ~whole
    if bad.any():
        at = int(bad.to_numpy().argmax())
        value = str(text[column].iloc[at])
        place = row_name(lines[at])
        message = (
            f"{file}, {place}, column {column}: {value[:60]!r} is not an Entrez gene "
            "identifier; write a whole number, or NA."
        )
        raise study_error(message, file, place, column)
    return numbers.where(numbers > 0).astype("Int64")


def read_gene_rows(
    table: AnyTable,
    samples: Samples,
    findings: Findings,
    account: Account,
    store: MatrixStore | None = None,
) -> GeneRows:
    """Read a genes x samples file that has Hugo_Symbol, Entrez_Gene_Id or both.

    Parameters
    ----------
    account : Account
        Where names decided by chromosome are counted.
    store : MatrixStore, optional
        Where the numbers of a large table go.

    Raises
    ------
    StudyError
        If it has neither column, no rows, no samples, or a cell that is no number.
    """
    symbol, entrez, place = (_first_column(table, what) for what in ("symbol", "entrez", "place"))
    if symbol is None and entrez is None:
        message = (
            f"{table.name} has neither a Hugo_Symbol nor an Entrez_Gene_Id column; add one of them."
        )
        raise study_error(message, table.name)
    names = [column for column in (symbol, entrez, place) if column is not None]
    require_rows(table)
    columns = sample_columns(table, samples, findings)
    sample_of = samples.resolve(columns, table.name)
    rows = read_matrix_rows(table, names, columns, store)
    text = rows.text
    none = pd.Series(pd.NA, index=text.index, dtype="str")
    symbols, inside = split_names(none if symbol is None else text[symbol])
    numbers = read_entrez(table.name, entrez, text, rows.lines).fillna(inside)
    if place is not None:
        symbols = _by_place(symbols, text[place], table.name, account)
    of_columns = tuple(sample_of[column] for column in columns)
    note_unprofiled(of_columns, rows.measured, table.name, findings)
    return GeneRows(table.name, symbols, numbers, of_columns, rows)


def _first_column(table: AnyTable, meaning: str) -> str | None:
    """First column of the table that has a meaning of `COLUMN_TABLE`."""
    return table.find(*COLUMN_TABLE.load()[meaning])


def _by_place(symbols: pd.Series, places: pd.Series, file: str, account: Account) -> pd.Series:
    """Symbols, those of several genes decided by chromosome or band where it can be."""
    several = (
        symbols.map({name: len(candidates(name)) > 1 for name in symbols.dropna().unique()}).eq(
            True
        )
        & places.notna()
    )
    if not several.any():
        return symbols
    decided = {
        at: gene
        for at, name, place in zip(
            symbols.index[several], symbols[several], places[several], strict=True
        )
        if (gene := symbol_table().on_chromosome(str(name), str(place))) is not None
    }
    account.match(file, {CHROMOSOME: len(decided)})
    named = symbols.astype(object)
    named.loc[list(decided)] = list(decided.values())
    return named.astype("str")


def require_rows(table: AnyTable) -> None:
    """Refuse a table with a header and nothing below it."""
    if not len(table):
        raise study_error(f"{table.name} is empty: it has a header but no rows.", table.name)


def drop_unprofiled(values: pd.DataFrame, file: str, findings: Findings) -> pd.DataFrame:
    """Leave out samples whose column has no value at all: they were not profiled."""
    measured = values.notna().any(axis=0).to_numpy()
    note_unprofiled(list(values.columns), measured, file, findings)
    return values.loc[:, measured]


def note_unprofiled(
    samples: Sequence[str], measured: np.ndarray, file: str, findings: Findings
) -> None:
    """Note which samples count as not profiled, because no value of theirs was measured."""
    empty = [str(samples[at]) for at in np.flatnonzero(~measured).tolist()]
    if empty:
        findings.note(
            f"{file}: {len(empty)} sample(s) without any value count as not profiled: "
            f"{some(empty)}.",
            file,
        )


def gene_pairs(symbols: pd.Series, entrez: pd.Series) -> pd.Series:
    """Hugo symbol -> Entrez identifier for the rows that give both; the first one of a symbol."""
    both = symbols.notna() & entrez.notna()
    pairs = pd.Series(entrez[both].to_numpy(), index=symbols[both].to_numpy(), dtype="Int64")
    return pairs[~pairs.index.duplicated()]


def name_rows(
    rows: GeneRows, by_entrez: Mapping[int, str], findings: Findings, account: Account
) -> tuple[Matrix, pd.Series]:
    """Samples x genes under approved symbols, and the symbols' Entrez identifiers.

    A row's gene is the one that its Entrez identifier has in the study, else the one that its
    name stands for, else it keeps its name (``entrez:1234`` without one); a row with neither is
    left out. A row under an earlier or other symbol of a gene that has a row under its own keeps
    its name too. Rows that end up under one name are averaged sample by sample over the values
    present. No rule looks at another sample, so a sample reads the same alone and in a batch.

    Raises
    ------
    StudyError
        If no row is a gene that is known.
    """
    count = NameCount()
    keep = rows.symbols.notna() | rows.entrez.notna()
    if not keep.all():
        left = int((~keep).sum())
        account.set_aside(rows.file, "rows without a gene identifier", left)
        findings.warn(
            f"{rows.file}: {left} row(s) without a gene identifier are left out.", rows.file
        )
    given = rows.symbols[keep].astype(object)
    given = given.where(given.notna(), None)
    numbers = rows.entrez[keep].astype(object)
    found = [
        count.name(symbol, None if number is pd.NA else int(number), by_entrez)
        for symbol, number in zip(given, numbers, strict=True)
    ]
    nameless = sum(symbol is None for symbol in given)
    if nameless:
        unknown = sum(name.startswith("entrez:") for name in found)
        findings.note(
            f"{rows.file}: {nameless} row(s) have an Entrez identifier only; {unknown} of them "
            "stay 'entrez:…' because no file of the study gives their symbol.",
            rows.file,
        )
    names = pd.Index(_with_own_rows(given.tolist(), found, rows.file, findings), dtype="str")
    count.report(rows.file, findings, account)
    pairs = gene_pairs(pd.Series(names, index=given.index), rows.entrez[keep])
    note_repeated(names, rows.file, "gene", findings, extreme=rows.calls)
    columns = None if keep.all() else np.flatnonzero(keep.to_numpy())
    return rows.numbers.matrix(rows.samples, names, columns, extreme=rows.calls), pairs


def _with_own_rows(
    given: Sequence[str | None], found: Sequence[str], file: str, findings: Findings
) -> list[str]:
    """Names found, but for other symbols of a gene that has a row under its own."""
    own = {name for symbol, name in zip(given, found, strict=True) if symbol == name}
    names = [
        symbol if symbol is not None and symbol != name and name in own else name
        for symbol, name in zip(given, found, strict=True)
    ]
    kept = [f"{name} ({gene})" for name, gene in zip(names, found, strict=True) if name != gene]
    if kept:
        findings.note(
            f"{file}: {len(kept)} row(s) under an earlier or other symbol keep it, because the "
            f"gene has a row under its own: {some(kept)}.",
            file,
        )
    return names
