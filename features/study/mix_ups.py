"""Matrices that are not what their meta file says: on their side, or another kind of data.

Such a file can be read without a complaint: genes then count as samples, or expression as copy
number, and every score that rests on it is wrong. What is refused here is beyond doubt; a file
that is only unusual is read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.errors import study_error
from sidestep.features.files.matrix import SampleRows
from sidestep.features.files.rows import AnyTable, ValueSketch
from sidestep.features.files.sample_major import H5AD, SampleMajorTable
from sidestep.features.files.tables import LABELS
from sidestep.features.identifiers import Samples, match_key
from sidestep.features.knowledge.drugs import DRUG_TABLE, PARTNER_TABLE, find_drug
from sidestep.features.knowledge.study_signatures import find_signature
from sidestep.features.study.antibodies import ANTIBODY_TABLE, ProteinLevels, parse_antibody
from sidestep.features.study.genes import GeneRows
from sidestep.features.study.meta import Meta
from sidestep.features.study.scales import HIGHEST_LOG

_FEWEST_NAMES = 3
_FEWEST_VALUES = 100
# Nine in ten values of real log2 ratios lie within 1.0, of log2 expression within 5 to 7, of
# z-scores within 1.8: copy number over expression is at most 0.6, and at least 1.8 if swapped.
_SPREAD_QUANTILE = 0.9
_MOST_TIMES_EXPRESSION = 1.5
_MOST_COPIES = 3.0
# Of 443 cell lines the highest log2 ratio is 7.7 (pancan_cell_lines): 400 copies of a gene.
_HIGHEST_LOG_RATIO = 10.0
# Below: log2 of no copy at all is some -10 to -30, of what is added to a level of 0 -3 to -40.
_LARGEST_LOG = 50.0
_SAMPLES_A_TIME = 256


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


def refuse_transposed(table: AnyTable, samples: Samples, feature: str) -> None:
    """Refuse a matrix that has samples where its features are to be.

    Parameters
    ----------
    samples : Samples
        Those that the study's files named so far.
    feature : {"gene", "antibody", "drug", "signature"}
        What each row is to be, or in a sample-major file each column.

    Raises
    ------
    StudyError
        If more rows than columns, and half of the rows, name a known sample; or if columns but
        hardly rows name known features.
    """
    labels = table.labels(LABELS)
    columns = table.columns[1:]
    known = {match_key(name) for name in samples.names} - {""}
    rows_named = [label for label in labels if match_key(label) in known]
    columns_named = [column for column in columns if match_key(column) in known]
    by_samples = len(rows_named) > len(columns_named) and 2 * len(rows_named) >= len(labels)
    is_feature = NAMES[feature]
    features = [] if columns_named else [column for column in columns if is_feature(column)]
    by_features = len(features) >= max(_FEWEST_NAMES, 1 + sum(map(is_feature, labels)))
    if by_samples or by_features:
        named = ("row", rows_named[0]) if by_samples else ("column", features[0])
        raise study_error(_on_its_side(table, feature, *named), table.name)


def _on_its_side(table: AnyTable, feature: str, of: str, name: str) -> str:
    rows, columns = "samples", f"{feature} names"
    a_row, a_column = f"one {feature}", "a sample"
    named = f"{of} {name}"
    if isinstance(table, SampleMajorTable):
        rows, columns, a_row, a_column = columns, rows, "one sample", f"a {feature}"
        named = f"{'column' if of == 'row' else 'row'} {name}"
    return (
        f"{table.name} lies on its side: its rows are {rows} and its columns {columns} ({named}, "
        f"for one); transpose it, so that each row is {a_row} and each column {a_column}."
    )


@cache
def _genes() -> frozenset[str]:
    """Hugo symbols that Sidestep's own tables name."""
    partners = {gene for row in PARTNER_TABLE.load() for gene in (row.gene, row.partner)}
    targets = {gene for drug in DRUG_TABLE.load().values() for gene in drug.targets}
    return frozenset(partners | targets).union(*ANTIBODY_TABLE.load().values())


#: Kind of feature -> whether a name is one that Sidestep's own tables know.
NAMES: Mapping[str, Callable[[str], bool]] = {
    "gene": lambda name: name in _genes(),
    "antibody": lambda name: parse_antibody(name).known,
    "drug": lambda name: find_drug(name) is not None,
    "signature": lambda name: find_signature(name) is not None,
}


def refuse_other_than_calls(rows: GeneRows) -> None:
    """Refuse a file of discrete copy number that holds another value than -2 to 2.

    Raises
    ------
    StudyError
        It names one such value.
    """
    other = rows.numbers.sketch.first_other
    if other is not None:
        row, column, value = other
        sample = rows.samples[column]
        message = (
            f"{rows.file}, gene {_gene_of(rows, row)}, sample {sample}: {value:g} is "
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
    sketch = expression.numbers.sketch
    if sketch.count >= _FEWEST_VALUES and sketch.first_other is None:
        message = (
            f"{expression.file} holds copy-number calls (-2 to 2) where expression is to be; name "
            "the right file in its meta file."
        )
        raise study_error(message, expression.file)


def refuse_counts(expression: GeneRows) -> None:
    """Refuse an ``.h5ad`` file of counts: logarithms lie beside them, as often as not.

    Raises
    ------
    StudyError
        If all values are whole numbers, and the largest is too large for a logarithm.
    """
    sketch = expression.numbers.sketch
    if expression.file.lower().endswith(H5AD) and sketch.whole and sketch.highest > HIGHEST_LOG:
        message = (
            f"{expression.file} holds counts (whole numbers up to {sketch.highest:.5g}); give "
            "log-normalised expression (scanpy: pp.normalize_total, then pp.log1p), or name the "
            "layer that holds it in the meta file: 'layer: NAME'."
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


def refuse_impossible_ratios(copy_number: GeneRows, meta: Meta) -> None:
    """Refuse a file of log2 ratios of copies that reaches what no gene does.

    Raises
    ------
    StudyError
        It tells how to say that the file holds copies.
    """
    highest = copy_number.numbers.sketch.highest
    if highest > _HIGHEST_LOG_RATIO:
        message = (
            f"{copy_number.file} reaches {highest:.5g}, which no log2 ratio of copies does; if it "
            "holds copies or ratios, write 'absolute copy number' or 'copy ratio' into the "
            f"profile_description of {meta.name}, else mend that value."
        )
        raise study_error(message, copy_number.file)


def refuse_impossible_levels(rows: GeneRows, *, linear: bool = False) -> None:
    """Refuse what is no level of a gene, such as -9999 or -1e30 for a value that is not there.

    Parameters
    ----------
    rows : GeneRows
    linear : bool
        Whether these are no logarithms: then what is too far below 0 is refused.

    Raises
    ------
    StudyError
        It names one such value, and how many there are.
    """
    numbers = rows.numbers
    limit = _lowest_and_highest(numbers.sketch, linear=linear)
    if limit is not None:
        places = np.arange(len(rows.samples))
        row, sample, text = _first_beyond(numbers.rows, places, rows.samples, limit)
        message = f"{rows.file}, gene {_gene_of(rows, row)}, sample {sample}: {text}"
        raise study_error(message, rows.file, column=sample)


def refuse_impossible_proteins(levels: ProteinLevels, file: str, *, linear: bool) -> None:
    """Refuse what is no protein level; see `refuse_impossible_levels`."""
    limit = _lowest_and_highest(levels.sketch, linear=linear)
    values = levels.values
    if limit is not None:
        found = _first_beyond(values.rows, values.places, list(values.samples), limit)
        row, sample, text = found
        message = f"{file}, antibody {values.names[row]}, sample {sample}: {text}"
        raise study_error(message, file, column=sample)


def _lowest_and_highest(sketch: ValueSketch, *, linear: bool) -> tuple[float, float] | None:
    """Between what all numbers are to lie; None where they do."""
    if not sketch.count:
        return None
    size = max(sketch.highest, 0.0) if linear else _LARGEST_LOG
    limit = (-size, math.inf if linear else size)
    return None if limit[0] <= sketch.lowest and sketch.highest <= limit[1] else limit


def _first_beyond(
    rows: SampleRows, places: np.ndarray, samples: Sequence[str], limit: tuple[float, float]
) -> tuple[int, str, str]:
    """Feature and sample of a number beyond the limits, and what is said of all of them."""
    first: tuple[int, str, float] | None = None
    count = 0
    for start in range(0, len(places), _SAMPLES_A_TIME):
        values = rows.take(places[start : start + _SAMPLES_A_TIME])
        wrong = (values < limit[0]) | (values > limit[1])
        count += int(wrong.sum())
        if first is None and wrong.any():
            sample, feature = (int(place) for place in np.argwhere(wrong)[0])
            first = feature, str(samples[start + sample]), float(values[sample, feature])
    if first is None:
        raise ValueError("no number lies beyond the limits")
    feature, name, value = first
    what = "is no level" if math.isinf(limit[1]) else "is the logarithm of no level"
    several = f", and {count - 1:,} other value(s) are none" if count > 1 else ""
    return feature, name, f"{value:g} {what}{several}; write NA where there is no value."


def _same_values(one: GeneRows, other: GeneRows) -> bool:
    """Whether two files hold the same numbers, in whatever order, and enough to tell."""
    first, second = one.numbers.sketch, other.numbers.sketch
    return first.count >= _FEWEST_VALUES and first.holds_the_same_as(second)


def _spread(rows: GeneRows) -> float:
    """Size that nine values in ten do not reach; NaN where there are few values."""
    sketch = rows.numbers.sketch
    return sketch.size_at(_SPREAD_QUANTILE) if sketch.count >= _FEWEST_VALUES else math.nan
