"""Is a matrix what its meta file says? One on its side, or another kind of data, is refused.

Such a file can be read without a complaint: genes then count as samples, or expression as copy
number, and every score that rests on it is wrong. What is refused here is beyond doubt; a file
that is only unusual is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from features.antibodies import load_aliases, parse_antibody
from features.drugs import find_drug, load_drugs, load_partnerships
from features.genes import GeneRows
from features.identifiers import Samples, match_key
from features.meta import Meta
from features.problems import study_error
from features.tables import Table

#: Copy-number calls of cBioPortal: from deep deletion to amplification.
_CALLS = (-2.0, -1.5, -1.0, 0.0, 1.0, 2.0)
_ROWS_LOOKED_AT = 1000
_FEWEST_NAMES = 3
_FEWEST_VALUES = 100
# Nine in ten values of real log2 ratios lie within 1.0, of log2 expression within 5 to 7, of
# z-scores within 1.8: copy number over expression is at most 0.6, and at least 1.8 if swapped.
_SPREAD_QUANTILE = 0.9
_MOST_TIMES_EXPRESSION = 1.5
_MOST_COPIES = 3.0


def refuse_claimed(path: Path, meta: Meta, claimed: dict[Path, str]) -> None:
    """Refuse a data file that two meta files name.

    Parameters
    ----------
    path : pathlib.Path
        The data file that `meta` names.
    claimed : dict of pathlib.Path to str
        Data file -> meta file that named it first; grows by this one.

    Raises
    ------
    StudyError
        If another meta file has named it.
    """
    owner = claimed.setdefault(path, meta.name)
    if owner != meta.name:
        message = (
            f"{meta.name} names {path.name}, the data file of {owner}; give each meta file a data "
            "file of its own."
        )
        raise study_error(message, meta.name)


def refuse_transposed(table: Table, samples: Samples, feature: str) -> None:
    """Refuse a matrix that has samples in its rows.

    Parameters
    ----------
    samples : Samples
        Those that the study's files named so far.
    feature : {"gene", "antibody", "drug"}
        What each row is to be.

    Raises
    ------
    StudyError
        If more rows than columns, and half of the rows, name a known sample; or if columns but
        hardly rows name known features.
    """
    rows = table.body.split(b"\n", _ROWS_LOOKED_AT)[: min(len(table), _ROWS_LOOKED_AT)]
    labels = [row.partition(b"\t")[0].decode().strip() for row in rows]
    columns = table.columns[1:]
    known = {match_key(name) for name in samples.names} - {""}
    rows_named = [label for label in labels if match_key(label) in known]
    columns_named = [column for column in columns if match_key(column) in known]
    by_samples = len(rows_named) > len(columns_named) and 2 * len(rows_named) >= len(labels)
    is_feature = _FEATURES[feature]
    features = [column for column in columns if is_feature(column)]
    by_features = len(features) >= max(_FEWEST_NAMES, 1 + sum(map(is_feature, labels)))
    if by_samples or (by_features and not columns_named):
        named = f"row {rows_named[0]}" if by_samples else f"column {features[0]}"
        message = (
            f"{table.name} lies on its side: its rows are samples and its columns {feature} names "
            f"({named}, for one); transpose it, so that each row is one {feature} and each column "
            "a sample."
        )
        raise study_error(message, table.name)


@cache
def _genes() -> frozenset[str]:
    """Hugo symbols that Sidestep's own tables name."""
    partners = {gene for row in load_partnerships() for gene in (row.gene, row.partner)}
    targets = {gene for drug in load_drugs().values() for gene in drug.targets}
    return frozenset(partners | targets).union(*load_aliases().values())


_FEATURES: Mapping[str, Callable[[str], bool]] = {
    "gene": lambda name: name in _genes(),
    "antibody": lambda name: parse_antibody(name).known,
    "drug": lambda name: find_drug(name) is not None,
}


def refuse_other_than_calls(rows: GeneRows) -> None:
    """Refuse a file of discrete copy number that holds another value than -2 to 2.

    Raises
    ------
    StudyError
        It names the first such value.
    """
    values = rows.values.to_numpy()
    bad = ~np.isnan(values) & ~np.isin(values, _CALLS)
    if bad.any():
        row, column = (int(at) for at in np.argwhere(bad)[0])
        sample = str(rows.values.columns[column])
        message = (
            f"{rows.file}, gene {_gene_of(rows, row)}, sample {sample}: {values[row, column]:g} is "
            "no copy-number call (-2, -1, 0, 1 or 2); if the file holds log2 ratios, write "
            "'datatype: LOG2-VALUE' into its meta file."
        )
        raise study_error(message, rows.file, column=sample)


def _gene_of(rows: GeneRows, row: int) -> str:
    symbol, number = rows.symbols.iloc[row], rows.entrez.iloc[row]
    return str(number if pd.isna(symbol) else symbol)


def refuse_calls(expression: GeneRows) -> None:
    """Refuse a file of expression that holds nothing but copy-number calls.

    Raises
    ------
    StudyError
        If all of its values, a hundred at least, are among -2 to 2 in steps of calls.
    """
    levels = _finite(expression)
    if len(levels) >= _FEWEST_VALUES and np.isin(levels, _CALLS).all():
        message = (
            f"{expression.file} holds copy-number calls (-2 to 2) where expression is to be; name "
            "the right file in its meta file."
        )
        raise study_error(message, expression.file)


def refuse_swapped(expression: GeneRows | None, copy_number: GeneRows) -> None:
    """Refuse a file of copy number that holds expression, or expression that is copy number.

    Raises
    ------
    StudyError
        If the copy number varies as no ratios of copies do, or much more than expression does;
        or if both files hold the same values.
    """
    copies = _spread(copy_number)
    if copies > _MOST_COPIES:
        message = (
            f"{copy_number.file} holds no log2 ratios of copies: a tenth of its values lies beyond "
            f"{copies:.3g}; name the right file in its meta file, or give log2 ratios."
        )
        raise study_error(message, copy_number.file)
    if expression is None:
        return
    if copies > _MOST_TIMES_EXPRESSION * _spread(expression):
        what = "seem swapped: the copy numbers vary more than the expression"
    elif _same_values(expression, copy_number):
        what = "hold the same values"
    else:
        return
    message = (
        f"{copy_number.file} and {expression.file} {what}; name each file in the meta file of its "
        "own kind."
    )
    raise study_error(message, copy_number.file)


def _finite(rows: GeneRows) -> np.ndarray:
    values = rows.values.to_numpy()
    found: np.ndarray = values[np.isfinite(values)]
    return found


def _same_values(one: GeneRows, other: GeneRows) -> bool:
    """Whether two files hold the same numbers, in whatever order, and enough to tell."""
    first, second = _finite(one), _finite(other)
    if len(first) != len(second) or len(first) < _FEWEST_VALUES or first.max() != second.max():
        return False
    return bool(np.array_equal(np.sort(first), np.sort(second)))


def _spread(rows: GeneRows) -> float:
    """Size that nine values in ten do not reach; NaN where there are few values."""
    values = np.abs(_finite(rows))
    return float(np.quantile(values, _SPREAD_QUANTILE)) if len(values) >= _FEWEST_VALUES else np.nan
