"""Mutations and structural variants: which calls there are, of what kind, in which residue.

A MAF's calls keep the words of their file; `study.effects` says what these mean and
`study.protein_changes` what changed. A structural variant is kept as the two genes that it joins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from sidestep.features.errors import Findings, StudyError, some, study_error
from sidestep.features.files.large_tables import LargeTable
from sidestep.features.files.tables import Table
from sidestep.features.identifiers import Samples
from sidestep.features.knowledge.rows import KnowledgeTable, columns_by_meaning
from sidestep.features.study.genes import gene_pairs, read_entrez
from sidestep.features.vocabulary.account import Account
from sidestep.features.vocabulary.effects import NONSILENT, UNKNOWN, effect_of_word, effects
from sidestep.features.vocabulary.gene_names import label_genes
from sidestep.features.vocabulary.protein_changes import is_unchanged, parse_change, parse_changes

_COLUMNS = ("sample_id", "gene", "classification", "protein_change")
_NEEDED = {
    "gene": "Hugo_Symbol",
    "sample": "Tumor_Sample_Barcode",
    "effect": "Variant_Classification",
}
#: What stands for a protein change that is not there.
_BLANK = frozenset({".", "-", "p.?", "p.", "?", "p.(?)", "unknown", "UNKNOWN", "None", "none"})
#: Columns of fusions that name genes.
FUSED_GENES = ("gene_a", "gene_b")
DUPLICATE = "exact duplicate rows, counted once"
_MOST_NAMED = 5
#: Share of protein changes that may be unreadable before it is more than a note.
_FEW = 0.01


#: Meaning -> the columns that have it, the one that is asked first at the front.
COLUMN_TABLE = KnowledgeTable(
    "mutation_columns.tsv", ("meaning", "column", "source"), columns_by_meaning
)


@dataclass(frozen=True)
class MutationCalls:
    """Calls of one MAF, and the (symbol, Entrez) pairs that it gives.

    Attributes
    ----------
    file : str
        File name for messages.
    calls : pandas.DataFrame
        `sample_id, gene, classification, protein_change`, one call a row, silent calls kept. A
        gene is a label of `study.gene_names` until the study's genes are named.
    entrez : pandas.Series
        Hugo symbol -> Entrez identifier (Int64).
    """

    file: str
    calls: pd.DataFrame
    entrez: pd.Series


def read_mutations(
    table: Table | LargeTable, samples: Samples, findings: Findings, account: Account
) -> MutationCalls:
    """Read a MAF; the calls of a large one are categories, a few bytes a call.

    Where a column has no word or change that can be read, the next column of that meaning is
    asked, row by row (`COLUMN_TABLE`). Exact duplicate rows count once; a row of several changes is
    a call for each. A call whose gene has neither symbol nor Entrez identifier is left out, with a
    warning.

    Raises
    ------
    StudyError
        If Hugo_Symbol, Tumor_Sample_Barcode or Variant_Classification is absent, a call has no
        sample, or no call's effect can be read.
    """
    columns = _find_columns(table)
    maf = _read_calls(table, columns)
    if not columns["change"] and not columns["residues"]:
        findings.note(
            f"{table.name} has no HGVSp_Short column: hotspots cannot be told.", table.name
        )
    sample_of = samples.resolve(list(maf.samples), table.name)
    calls = _joined(maf.parts, large=isinstance(table, LargeTable))
    calls = _without_duplicates(calls, maf.keys, table.name, findings, account)
    n_rows = len(calls)
    calls, several = one_change_each(calls)
    _tell_several(several, n_rows, table.name, findings)
    names = calls["sample_id"]
    if names.dtype == "category":
        calls["sample_id"] = names.cat.rename_categories(sample_of)
    else:
        calls["sample_id"] = names.map(sample_of).astype("str")
    if maf.wrong_entrez is not None:
        raise maf.wrong_entrez
    pairs = pd.concat(maf.pairs)
    calls = _with_gene(calls, table.name, findings, account)
    _tell_unread(calls, table.name, findings, account)
    return MutationCalls(table.name, calls, pairs[~pairs.index.duplicated()])


def _find_columns(table: Table | LargeTable) -> dict[str, list[str]]:
    """Meaning -> the columns of the table that have it."""
    columns: dict[str, list[str]] = {}
    for meaning, names in COLUMN_TABLE.load().items():
        found = [column for name in names if (column := table.find(name)) is not None]
        columns[meaning] = list(dict.fromkeys(found))
    absent = [name for meaning, name in _NEEDED.items() if not columns[meaning]]
    if absent:
        message = (
            f"{table.name} lacks {len(absent)} column(s) that a MAF needs: {', '.join(absent)}."
        )
        raise study_error(message, table.name)
    return columns


@dataclass
class _MafCalls:
    """A MAF's calls as they were read, part after part."""

    parts: list[pd.DataFrame] = field(default_factory=list)
    keys: list[pd.DataFrame] = field(default_factory=list)
    samples: dict[str, None] = field(default_factory=dict)
    pairs: list[pd.Series] = field(default_factory=list)
    wrong_entrez: StudyError | None = None


def _read_calls(table: Table | LargeTable, columns: Mapping[str, Sequence[str]]) -> _MafCalls:
    """Sample, gene, classification and change of each call, in whatever columns they stand."""
    maf = _MafCalls()
    gene, sample = columns["gene"][0], columns["sample"][0]
    entrez = columns["entrez"][0] if columns["entrez"] else None
    chromosome = columns["chromosome"][0] if columns["chromosome"] else None
    wanted = dict.fromkeys([gene, sample, *columns["effect"], *columns["change"]])
    wanted |= dict.fromkeys(
        column
        for column in (entrez, chromosome, *columns["residues"], *columns["position"])
        if column is not None
    )
    for block in table.blocks():
        text = block.text(list(wanted))
        if text[sample].isna().any():
            place = block.row(int(text[sample].isna().to_numpy().argmax()))
            message = f"{table.name}, {place} has no {sample}; name the call's sample."
            raise study_error(message, table.name, place, sample)
        try:
            numbers = read_entrez(table.name, entrez, text, block.lines)
        except StudyError as error:
            maf.wrong_entrez = maf.wrong_entrez or error
            numbers = pd.Series(pd.NA, index=text.index, dtype="Int64")
        where = None if chromosome is None else text[chromosome]
        labels = label_genes(text[gene], numbers, where)
        change = _first_read([text[name] for name in columns["change"]], _is_change, text.index)
        part = pd.DataFrame(
            {
                "sample_id": text[sample],
                "gene": labels,
                "classification": _first_read(
                    [text[name] for name in columns["effect"]], _is_effect, text.index
                ),
                "protein_change": _with_residues(change, text, columns),
            }
        )
        maf.parts.append(part.astype("category") if isinstance(table, LargeTable) else part)
        maf.keys.append(_row_keys(block))
        maf.samples |= dict.fromkeys(text[sample].unique())
        maf.pairs.append(gene_pairs(text[gene], numbers))
    return maf


def _is_effect(word: str) -> bool:
    return effect_of_word(word) != UNKNOWN


def _is_change(text: str) -> bool:
    return parse_change(text) is not None or is_unchanged(text)


def _first_read(
    columns: Sequence[pd.Series], readable: Callable[[str], bool], index: pd.Index
) -> pd.Series:
    """Of each row the first text that is readable, else the first text that there is."""
    if not columns:
        return pd.Series(pd.NA, index=index, dtype="str")
    found = columns[0]
    for other in columns[1:]:
        levels = {text: not readable(str(text)) for text in found.dropna().unique()}
        unread = found.isna() | found.map(levels).eq(True)
        if not unread.any():
            return found
        better = {text: readable(str(text)) for text in other[unread].dropna().unique()}
        take = unread & (other.map(better).eq(True) | (found.isna() & other.notna()))
        found = found.mask(take, other)
    return found


def _with_residues(
    change: pd.Series, text: pd.DataFrame, columns: Mapping[str, Sequence[str]]
) -> pd.Series:
    """Changes, and where there is none, what VEP's Amino_acids and Protein_position make up."""
    if not columns["residues"] or not columns["position"]:
        return change
    open_rows = change.isna() | change.isin(_BLANK)
    pairs = text[columns["residues"][0]].str.extract(r"^([A-Z*])/([A-Z*])$")
    position = text[columns["position"][0]].str.extract(r"^(\d+)(?:/\d+)?$", expand=False)
    made = "p." + pairs[0] + position + pairs[1]
    return change.mask(open_rows & made.notna(), made)


def _row_keys(block: Table) -> pd.DataFrame:
    """Two numbers for each row, which are equal for equal rows and, but for chance, no others."""
    lines = np.array(block.body.split(b"\n")[: len(block)], dtype=object)
    hashed = [
        pd.util.hash_array(lines, hash_key=key, categorize=False)
        for key in ("sidestep-row-one", "sidestep-row-two")
    ]
    return pd.DataFrame({"one": hashed[0], "two": hashed[1]})


def _joined(parts: Sequence[pd.DataFrame], *, large: bool) -> pd.DataFrame:
    """Parts that follow each other, as one; categories of all of them."""
    if not large:
        return pd.concat(parts, ignore_index=True)
    return pd.DataFrame({name: union_categoricals([p[name] for p in parts]) for name in _COLUMNS})


def _without_duplicates(
    calls: pd.DataFrame,
    keys: Sequence[pd.DataFrame],
    file: str,
    findings: Findings,
    account: Account,
) -> pd.DataFrame:
    """Calls without those whose row stands in the file already, cell by cell."""
    again = pd.concat(list(keys), ignore_index=True).duplicated().to_numpy()
    if not again.any():
        return calls
    account.set_aside(file, DUPLICATE, int(again.sum()))
    samples = list(calls.loc[again, "sample_id"].astype("str").value_counts().index)
    findings.warn(
        f"{file}: {int(again.sum()):,} row(s) of {len(samples)} sample(s) stand in it twice, cell "
        f"by cell, and count once: {some(samples, 3)}.",
        file,
    )
    return calls[~again].reset_index(drop=True)


def one_change_each(calls: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Calls of which each has one protein change: what has several becomes several calls.

    Returns
    -------
    tuple of DataFrame and Series
        Calls, and how many had each text with several changes.
    """
    change = calls["protein_change"]
    texts = change.cat.categories if change.dtype == "category" else change.dropna().unique()
    several = {text: found for text in texts if len(found := parse_changes(str(text))) > 1}
    has = change.isin(list(several)).to_numpy()
    listed = change[has].astype("str")
    if listed.empty:
        return calls, listed.value_counts()
    numbers = np.ones(len(calls), dtype=int)
    numbers[has] = [len(several[text]) for text in listed]
    each = [f"p.{single}" for text in listed for single in several[text]]
    longer = calls.take(np.repeat(np.arange(len(calls)), numbers)).reset_index(drop=True)
    single = longer["protein_change"].copy()
    if single.dtype == "category":
        known = set(single.cat.categories)
        single = single.cat.add_categories([new for new in dict.fromkeys(each) if new not in known])
    single[np.repeat(has, numbers)] = each
    return longer.assign(protein_change=single), listed.value_counts()


def _tell_several(counts: pd.Series, n_calls: int, file: str, findings: Findings) -> None:
    """Name the texts that have several protein changes."""
    if counts.empty:
        return
    (findings.warn if counts.sum() > _FEW * n_calls else findings.note)(
        f"{file}: {int(counts.sum()):,} row(s) have several protein changes ({_named(counts)}), "
        "each of which is a call of its own; where they are one change in the numbering of "
        "several transcripts, leave one.",
        file,
    )


def _with_gene(
    calls: pd.DataFrame, file: str, findings: Findings, account: Account
) -> pd.DataFrame:
    nameless = int(calls["gene"].isna().sum())
    if nameless:
        account.set_aside(file, "calls without a gene", nameless)
        findings.warn(f"{file}: {nameless} call(s) without a Hugo_Symbol are left out.", file)
    return calls[calls["gene"].notna()].reset_index(drop=True)


def _tell_unread(calls: pd.DataFrame, file: str, findings: Findings, account: Account) -> None:
    """Name the words and changes that say nothing, with their counts; refuse if all do."""
    if calls.empty:
        return
    # What holds for one call holds for all that have the same word and change.
    alike = calls.groupby(
        ["classification", "protein_change"], dropna=False, observed=True, sort=False
    )
    rows = alike.size().rename("calls").reset_index()
    kinds, changed = (rows[of].astype("str") for of in ("classification", "protein_change"))
    number = rows["calls"]
    effect = effects(kinds, changed)
    words = kinds.fillna("(blank)")
    by_change = kinds.fillna("").map(effect_of_word).eq(UNKNOWN) & effect.ne(UNKNOWN)
    unread = _counted(words[effect.eq(UNKNOWN)], number)
    account.match(
        file,
        {
            "effect by its word": int(number[effect.ne(UNKNOWN) & ~by_change].sum()),
            "effect by the protein change": int(number[by_change].sum()),
        },
    )
    account.puzzle(file, {str(word): int(count) for word, count in unread.items()})
    if by_change.any():
        told = _counted(words[by_change], number)
        findings.note(
            f"{file}: {int(told.sum()):,} call(s) have a word that names no effect "
            f"({_named(told)}); their protein change tells it.",
            file,
        )
    if len(unread) and effect.eq(UNKNOWN).all():
        message = (
            f"{file}: no call's effect can be read ({_named(unread)}); write "
            "Variant_Classification in the words of a MAF, such as Missense_Mutation, or give "
            "HGVSp_Short."
        )
        raise study_error(message, file, column=_NEEDED["effect"])
    if len(unread):
        findings.warn(
            f"{file}: the effect of {int(unread.sum()):,} call(s) cannot be read "
            f"({_named(unread)}), so their genes count as unknown in these samples, not as wild "
            "type; write Variant_Classification in the words of a MAF.",
            file,
        )
    asked = effect.isin(NONSILENT - {"splice"}) & changed.notna() & ~changed.isin(_BLANK)
    _tell_unread_changes(_counted(changed[asked], number), file, findings, account)


def _counted(words: pd.Series, number: pd.Series) -> pd.Series:
    """How many calls have each word, the most first; `number` has the calls of each row."""
    counts = number[words.index].groupby(words, sort=False).sum()
    return counts.sort_values(ascending=False, kind="stable")


def _tell_unread_changes(
    changes: pd.Series, file: str, findings: Findings, account: Account
) -> None:
    """Name protein changes that cannot be read, of some whose calls are counted."""
    unread = changes[[parse_change(str(text)) is None for text in changes.index]]
    if len(unread):
        account.puzzle(file, {str(text): int(count) for text, count in unread.items()})
        many = unread.sum() > _FEW * changes.sum()
        (findings.warn if many else findings.note)(
            f"{file}: {int(unread.sum()):,} protein change(s) cannot be read ({_named(unread)}), "
            "so hotspots are not looked for there; write HGVSp_Short, such as p.H1047R.",
            file,
        )


def _named(counts: pd.Series) -> str:
    """Words and how often each occurs: ``"'SNV' 120, (blank) 3"``."""
    shown = [f"{word!r} {count:,}" for word, count in counts.head(_MOST_NAMED).items()]
    more = len(counts) - _MOST_NAMED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def read_fusions(table: Table, samples: Samples) -> pd.DataFrame:
    """Read a STRUCTURAL_VARIANT file.

    Returns
    -------
    pandas.DataFrame
        `sample_id, gene_a, gene_b`, one variant a row; a gene is a label of `study.gene_names`
        until the study's genes are named, NaN where the file names one partner only.

    Raises
    ------
    StudyError
        If Sample_Id is absent, a site has neither Hugo_Symbol nor Entrez_Gene_Id, or a row has no
        sample.
    """
    sample = table.find("Sample_Id")
    sites = [
        (table.find(f"Site{n}_Hugo_Symbol"), table.find(f"Site{n}_Entrez_Gene_Id")) for n in (1, 2)
    ]
    absent = [] if sample else ["Sample_Id"]
    absent += [f"Site{n}_Hugo_Symbol" for n, site in enumerate(sites, 1) if site == (None, None)]
    if absent or sample is None:
        message = (
            f"{table.name} lacks {len(absent)} column(s) that structural variants need: "
            f"{', '.join(absent)}."
        )
        raise study_error(message, table.name)
    columns = [sample, *(column for site in sites for column in site if column is not None)]
    text = table.text(columns)
    if text[sample].isna().any():
        place = table.row(int(text[sample].isna().to_numpy().argmax()))
        raise study_error(f"{table.name}, {place} has no Sample_Id.", table.name, place)
    sample_of = samples.resolve(list(dict.fromkeys(text[sample])), table.name)
    none = pd.Series(pd.NA, index=text.index, dtype="str")
    genes = {
        at: label_genes(
            none if symbol is None else text[symbol],
            read_entrez(table.name, entrez, text, table.lines),
            None,
        )
        for at, (symbol, entrez) in zip(FUSED_GENES, sites, strict=True)
    }
    return pd.DataFrame({"sample_id": text[sample].map(sample_of).astype("str"), **genes})
