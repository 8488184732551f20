"""Tables of numbers: which way they lie, what their features are, and which columns are neither.

A table of expression may have a row a gene, as most pipelines write it, or a row a sample, as
DepMap and pandas do. The names tell: genes are those that HGNC has, antibodies and drugs those of
Sidestep's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd

from sidestep.features.errors import Findings, InputError, some
from sidestep.features.identifiers import Samples, match_key
from sidestep.features.knowledge.drugs import find_drug
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.knowledge.symbols import ensembl_symbol, symbol_table
from sidestep.features.originals.given import ROW_NAMES, Given
from sidestep.features.study.antibodies import parse_antibody
from sidestep.features.study.genes import COLUMN_TABLE, sample_columns
from sidestep.features.vocabulary.gene_names import split_names

#: Columns that name a row's sample, the surest first.
SAMPLE_COLUMNS: Final = (
    "SAMPLE_ID", "Sample", "ModelID", "DepMap_ID", "ARXSPAN_ID", "Sample_Name", "Sample_Barcode",
    "Tumor_Sample_Barcode", "Model_Name", "Cell_Line", "Cell_Line_Name", "CELL_LINE", "Line",
    "CCLE_Name", "Patient_ID",
)  # fmt: skip
#: How the samples lie, as a user says it.
COLUMNS, ROWS = "columns", "rows"
#: Columns of row numbers, which pandas reads back from its own CSV.
_NO_FEATURES: Final = frozenset({ROW_NAMES, "Unnamed: 0", "index"})
_LOOKED_AT: Final = 400
_ENOUGH: Final = 0.3
_LARGE: Final = 1000


@dataclass(frozen=True)
class Levels:
    """Numbers of samples.

    Attributes
    ----------
    samples : tuple of str
    features : pandas.DataFrame
        A row a feature: its name first, and what else names it (Entrez identifier, chromosome).
    values : numpy.ndarray
        Features x samples, float64, NaN where missing.
    told : tuple of str
        What was understood, a sentence each.
    """

    samples: tuple[str, ...]
    features: pd.DataFrame
    values: np.ndarray
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feature:
    """A kind of feature.

    Attributes
    ----------
    word, several : str
    column : str
        What the column of its names is called in a study.
    columns : tuple of str
        Columns of a table with a row a feature that name it, the surest first.
    is_one : callable
        Whether a name is one of the kind.
    identifiers : tuple of str
        Columns that number it, where none names it.
    """

    word: str
    several: str
    column: str
    columns: tuple[str, ...]
    is_one: Callable[[str], bool]
    identifiers: tuple[str, ...] = ()


@cache
def _is_gene(name: str) -> bool:
    # Other symbols of genes (A, T, S1) may as well name samples.
    known = symbol_table().chromosomes
    if name in known or ensembl_symbol(name) is not None:
        return True
    symbols, numbers = split_names(pd.Series([name], dtype="str"))
    symbol, number = symbols.iloc[0], numbers.iloc[0]
    if pd.isna(number):
        return str(symbol) in known or ensembl_symbol(str(symbol)) is not None
    # A small number alone may count rows or samples.
    return not pd.isna(symbol) or int(number) >= _LARGE


def gene_feature() -> Feature:
    """Genes, by symbol, Entrez or Ensembl identifier."""
    known = COLUMN_TABLE.load()
    return Feature("gene", "genes", "Hugo_Symbol", known["symbol"], _is_gene, known["entrez"])


ANTIBODY = Feature(
    "antibody",
    "antibodies",
    "Composite.Element.REF",
    ("Composite.Element.REF", "Antibody", "Antibody_Name", "Protein", "Name"),
    cache(lambda name: parse_antibody(name).known),
)
DRUG = Feature(
    "drug",
    "drugs",
    "ENTITY_STABLE_ID",
    ("ENTITY_STABLE_ID", "NAME", "Drug", "Drug_Name", "Compound", "Treatment"),
    cache(lambda name: find_drug(name) is not None),
)
SIGNATURE = Feature(
    "signature",
    "signatures",
    "ENTITY_STABLE_ID",
    ("ENTITY_STABLE_ID", "NAME", "Signature"),
    lambda name: find_signature(name) is not None,
)


def read_levels(given: Given, feature: Feature, lie: str = "", known: Iterable[str] = ()) -> Levels:
    """Numbers of a table, whichever way it lies.

    Parameters
    ----------
    given : Given
    feature : Feature
    lie : {"", "columns", "rows"}
        Where the samples are; told by the names if it is empty.
    known : iterable of str
        Samples that other files name.

    Raises
    ------
    InputError
        If neither the columns nor the rows can be told to be features, a sample is there twice or
        a cell is no number.
    """
    name_column = naming_column(given, feature)
    lie = lie or (COLUMNS if given.samples else told_lie(given, feature, name_column, known))
    return (_in_columns if lie == COLUMNS else _in_rows)(given, feature, name_column)


def naming_column(given: Given, feature: Feature) -> str | None:
    """Column whose cells name features, of those that are called so; None without one.

    Of several, such as an identifier and a description, that with the most known names.
    """
    named = [column for name in feature.columns if (column := given.named(name)) is not None]
    if not named:
        return given.named(*feature.identifiers)
    named.append(given.table.columns[0])
    if len(set(named)) < 2:
        return named[0]
    text = given.table.text(list(dict.fromkeys(named)))
    shares = {
        name: share([str(cell) for cell in text[name].dropna()], feature.is_one) for name in text
    }
    return max(named, key=lambda column: shares[column])


def told_lie(given: Given, feature: Feature, name_column: str | None, known: Iterable[str]) -> str:
    """Where the samples of a table are, as its names tell: `COLUMNS` or `ROWS`.

    Raises
    ------
    InputError
        If they do not tell.
    """
    label = name_column or given.table.columns[0]
    down = share(given.table.text([label])[label].dropna().tolist(), feature.is_one)
    across = share(list(given.names[1:]), feature.is_one)
    if down == across and (keys := {match_key(name) for name in known} - {""}):
        across = share(
            given.table.text([label])[label].dropna().tolist(), lambda n: match_key(n) in keys
        )
        down = share(list(given.names[1:]), lambda name: match_key(name) in keys)
    if max(down, across) < _ENOUGH or down == across:
        raise InputError(
            f"{given.path}: neither its rows ({down:.0%}) nor its columns ({across:.0%}) can be "
            f"told to be {feature.several}; say where the samples are: --samples columns or "
            "--samples rows"
        )
    return COLUMNS if down > across else ROWS


def share(names: Sequence[str], is_one: Callable[[str], bool]) -> float:
    """Share of names that are of a kind; of many, some that lie far apart are looked at."""
    looked_at = names[:: max(1, len(names) // _LOOKED_AT)]
    return sum(map(is_one, looked_at)) / max(1, len(looked_at))


def _in_columns(given: Given, feature: Feature, name_column: str | None) -> Levels:
    """A table with a row a feature."""
    table = given.table
    label = name_column or table.columns[0]
    others = _describing(given, feature) - {label}
    chosen = list(given.samples) or [
        column
        for column in sample_columns(table, Samples(Findings()), Findings(), others)
        if column != label and column not in others
    ]
    if not chosen:
        raise InputError(f"{given.path} has no column of a sample beside {label}")
    own = given.own_names
    names = [own[column] for column in chosen]
    _require_once(names, given)
    features = table.text([label, *sorted(others)])
    values = table.numbers(chosen, label, limits=feature is DRUG)
    named = features[label].notna().to_numpy()
    features = features[named].reset_index(drop=True).rename(columns={label: feature.column})
    aside = [
        column
        for column in table.columns
        if column not in chosen and column != label and column not in others
    ]
    told = [f"{given.file}: a row a {feature.word}, a column a sample"]
    if aside:
        told.append(f"{given.file}: columns that name no sample are left out: {some(aside)}")
    if not named.all():
        told.append(f"{given.file}: {int((~named).sum())} row(s) without a name are left out")
        values = values[named]
    return Levels(tuple(names), features, values, tuple(told))


def _describing(given: Given, feature: Feature) -> set[str]:
    """Columns beside a row's name that tell which gene it is."""
    if feature.column != "Hugo_Symbol":
        return set()
    meanings = COLUMN_TABLE.load()
    found = {given.table.find(*meanings[meaning]) for meaning in ("entrez", "place")}
    return {column for column in found if column is not None}


def _in_rows(given: Given, feature: Feature, name_column: str | None) -> Levels:
    """A table with a row a sample."""
    table = given.table
    label = given.named(*SAMPLE_COLUMNS) or table.columns[0]
    chosen: list[str] = []
    aside: list[str] = []
    words = given.word_columns()
    for column, name in zip(table.columns, given.names, strict=True):
        if column != label:
            left = name in _NO_FEATURES or (column in words and not feature.is_one(name))
            (aside if left else chosen).append(column)
    if not chosen:
        raise InputError(f"{given.path} has no column of numbers beside {label}")
    samples = table.text([label])[label]
    if samples.isna().any():
        place = table.row(int(samples.isna().to_numpy().argmax()))
        raise InputError(f"{given.path}, {place} has no {label}; name the row's sample")
    names = samples.astype(str).tolist()
    _require_once(names, given)
    own = given.own_names
    features = pd.DataFrame({feature.column: [own[column] for column in chosen]}, dtype="str")
    values = np.ascontiguousarray(table.numbers(chosen, label, limits=feature is DRUG).T)
    told = [f"{given.file}: a row a sample ({label}), a column a {feature.word}"]
    if aside:
        told.append(f"{given.file}: columns of words are left out: {some(aside)}")
    return Levels(tuple(names), features, values, tuple(told))


def _require_once(names: Sequence[str], given: Given) -> None:
    index = pd.Index(list(names))
    if index.has_duplicates:
        twice = list(index[index.duplicated()].unique())
        raise InputError(
            f"{given.path} has {len(twice)} sample(s) more than once: {some(twice)}; keep one of "
            "each, or give each replicate a name of its own"
        )


def averaged(levels: Levels, names: Mapping[str, str]) -> Levels:
    """Levels of samples under other names, those of one name averaged over the values present."""
    new = [names.get(sample, sample) for sample in levels.samples]
    if len(set(new)) == len(new):
        return Levels(tuple(new), levels.features, levels.values, levels.told)
    frame = pd.DataFrame(levels.values.T, index=pd.Index(new)).groupby(level=0, sort=False).mean()
    told = (*levels.told, f"{len(new) - len(frame)} repeated measurement(s) of a sample averaged")
    return Levels(tuple(map(str, frame.index)), levels.features, frame.to_numpy().T, told)


def with_symbols(levels: Levels, probes: Given) -> Levels:
    """Levels whose features go by the symbols that a table gives, such as the probes of an array.

    What stands for several genes (``ERBB2 /// MIEN1``) or none is left out; several features of a
    gene stay, and are averaged when the study is read.

    Raises
    ------
    InputError
        If the table names no symbols, or none of the features.
    """
    names = COLUMN_TABLE.load()["symbol"]
    symbol = probes.table.find(*names)
    if symbol is None or symbol == probes.table.columns[0]:
        raise InputError(f"{probes.path} has no column of gene symbols; call it Gene Symbol")
    key = probes.named("ID", "Probe", "Probe_ID", "ID_REF") or probes.table.columns[0]
    text = probes.table.text([key, symbol]).dropna()
    single = text[~text[symbol].str.contains("///", regex=False)]
    symbol_of = dict(zip(single[key], single[symbol].str.strip(), strict=True))
    column = levels.features.columns[0]
    found = levels.features[column].map(symbol_of)
    known = found.notna().to_numpy()
    if not known.any():
        example = levels.features[column].iloc[0]
        raise InputError(f"{probes.path} has a symbol for no row (for one {example!r})")
    features = pd.DataFrame({column: found[known].to_numpy()}, dtype="str")
    told = (
        *levels.told,
        f"{int(known.sum()):,} of {len(known):,} features have the symbol of one gene in "
        f"{probes.file}; the others are left out",
    )
    return Levels(levels.samples, features, levels.values[known], told)
