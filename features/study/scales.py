"""Scales: in which unit a matrix of expression, copy number or protein levels is, by its numbers.

What a meta file declares is often not what its file holds: public studies declare RSEM and
logarithms alike as CONTINUOUS, copies less two as copy number, and logarithms as z-scores. The
numbers of the whole file decide (range, sign, spacing, middle), where they leave no doubt; else
the words of the meta file do. What is on another scale than Sidestep's is converted as it is
taken, sample by sample, and once, so that all users of a study see one scale: log2 expression,
log2 ratios of copies or calls, log2 protein levels.

Logarithms of base e and 10 are told apart from those of base 2 where the values of whole
transcriptomes give it away: TPM and CPM of a sample add up to a million, counts of single cells are
scaled to ten thousand, and no other base than theirs brings logarithms to such a sum. Else the
words of the meta file decide, and base 2 where they say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sidestep.features.errors import study_error
from sidestep.features.files.limits import CELLS
from sidestep.features.files.matrix import Matrix
from sidestep.features.files.rows import CALLS, MatrixRows, ValueSketch
from sidestep.features.study.antibodies import ProteinLevels
from sidestep.features.study.profiles import LN, LOG10, Z_SCORE, Profile

#: Above this, expression is hardly on a log2 scale (2^30 is more than any count or intensity).
HIGHEST_LOG = 30.0
#: With fewer numbers nothing is told of them as a whole.
FEWEST = 100
# Of 1,000 numbers and more, of log2 expression at most one is beyond 30 by a slip; of RPKM, the
# lowest of the units, one in 100 is.
_LOG_QUANTILE = 0.99
# Shares below 0: of logarithms of FPKM up to 0.52, of z-scores 0.4 to 0.66 (metabric_her2,
# breast_cell_lines); of intensities after subtraction of a background 0.1.
_MOST_NEGATIVE = 0.2
_BALANCED = (0.25, 0.8)
# Nine in ten sizes of z-scores and centred logarithms lie within 1.8, of log2 expression within 5
# to 7.
_SIZE_QUANTILE = 0.9
_MOST_CENTRED = 3.0
_NO_NEGATIVE = 0.02
# Copy number. The middle of ratios and of log2(ratio + 1) is 1, of copies 2 to 4.
_SLIPS = 0.05
_RATIO_MIDDLE = (0.75, 1.5)
_COPIES_MIDDLE = (1.5, 4.5)
_HIGHEST_LOG_RATIO_PLUS_ONE = 6.5
_LEAST_RATIO = 0.05
_FEWEST_GENES = 100
_FEWEST_COPIES = 20
_STANDARD_SAMPLES = 10
_STANDARD_TOLERANCE = 0.02

#: Base -> factor that makes log2 of its logarithms.
FACTORS = {LN: 1 / math.log(2), LOG10: math.log2(10)}
_BASES = {"log2": 2.0, LN: math.e, LOG10: 10.0}
# What a sample's TPM or CPM add up to, and its counts once they are scaled (scanpy, Seurat).
_TOTALS = (1e6, 1e4)
_TOLERANCE = 0.02
_SAMPLES = 8
_FEWEST_GENES = 5000
# The highest TPM of a sample is some 10,000, of which the logarithm to base 10 is 4.
_LOW_FOR_LOG2 = 6.0

CONTINUOUS, LOG2, DISCRETE = "continuous", "log2", "discrete"
Convert = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Scale:
    """Scale of a matrix.

    Attributes
    ----------
    kind : str
        ``"continuous"``, ``"log2"``, ``"z-score"`` or ``"discrete"``, as `Study` has it.
    unit : str
        Unit once read.
    decided_by : str
        How that was decided.
    convert : callable or None
        Makes numbers of that unit of those of the file.
    warning : str
        What the user should know, where file and meta file disagree; else empty.
    """

    kind: str
    unit: str
    decided_by: str
    convert: Convert | None = None
    warning: str = ""


def expression_scale(sketch: ValueSketch, profile: Profile, file: str) -> Scale:
    """Scale of expression: logarithms, linear values (which are logged), or z-scores."""
    unit = profile.unit or profile.platform
    declared = profile.scale == Z_SCORE
    if is_linear(sketch):
        by = f"values up to {sketch.highest:,.5g} are no logarithms"
        warning = f"{file} is declared as z-scores, and {by}: it is read as levels."
        return Scale(
            CONTINUOUS,
            f"log2({unit or 'level'} + 1)",
            f"{by}, so they are logged on reading",
            _log2_plus_one,
            warning if declared else "",
        )
    if sketch.count >= FEWEST and declared != _is_centred(sketch):
        by = (
            f"{sketch.negative_share:.0%} of its values are below 0, and nine in ten lie within "
            f"{sketch.size_at(_SIZE_QUANTILE):.3g}"
        )
        if not declared:
            warning = f"{file}: {by}, so it is read as z-scores and not as levels."
            return Scale(Z_SCORE, "standard deviations, or log ratios", by, warning=warning)
        if sketch.negative_share < _NO_NEGATIVE or sketch.size_at(0.9) > 2 * _MOST_CENTRED:
            warning = f"{file} is declared as z-scores; {by}, so it is read as levels."
            return Scale(CONTINUOUS, _logarithm(unit), by, warning=warning)
    if declared:
        return Scale(Z_SCORE, "standard deviations", "its meta file")
    by = f"no more than 1 in 100 values beyond {HIGHEST_LOG:g}"
    return Scale(CONTINUOUS, _logarithm(unit), by)


@dataclass(frozen=True)
class Logarithm:
    """Base of a file's logarithms.

    Attributes
    ----------
    base : str
        ``"log2"``, ``"ln"`` or ``"log10"``.
    decided_by : str
        How that was decided; empty where nothing speaks for another base than 2.
    warning : str
        What the user should know; else empty.
    """

    base: str = "log2"
    decided_by: str = ""
    warning: str = ""

    def to_log2(self, values: np.ndarray) -> np.ndarray:
        """The same on base 2."""
        return values * FACTORS[self.base]


def declared_base(profile: Profile) -> str:
    """Base that the words of a meta file say; ``"log2"`` where they say none."""
    return profile.scale if profile.scale in FACTORS else "log2"


def expression_base(numbers: MatrixRows, profile: Profile, file: str) -> Logarithm:
    """Base of the logarithms of a file of expression.

    Parameters
    ----------
    numbers : MatrixRows
        Of its samples the first eight are looked at.
    profile : Profile
    file : str
        For messages.
    """
    said = declared_base(profile)
    sketch = numbers.sketch
    shown, total = _base_by_totals(numbers)
    if shown:
        by = f"its values, as {shown}, add up to {total:,.0f} in each sample"
        other = f"{file} is described as {said}, and {by}: it is read as {shown}."
        contradicted = shown != said and profile.scale in (*FACTORS, "log2")
        return Logarithm(shown, by, other if contradicted else "")
    if said != "log2":
        return Logarithm(said, "the words of its meta file")
    low = sketch.lowest >= 0 and 0 < sketch.highest < _LOW_FOR_LOG2
    doubt = (
        f"{file}: its highest value is {sketch.highest:.3g}, which is little for log2 expression; "
        f"if it holds log10 or natural logarithms, write so into the profile_description of "
        f"{profile.meta.name}, such as 'log10(TPM+1)'."
    )
    return Logarithm(warning=doubt if low and sketch.count >= _FEWEST_GENES else "")


def _base_by_totals(numbers: MatrixRows) -> tuple[str, float]:
    """Base that brings all samples looked at to one known total, and that; else empty, 0."""
    if len(numbers.lines) < _FEWEST_GENES or not numbers.measured.any():
        return "", 0.0
    values = numbers.rows.take(np.flatnonzero(numbers.measured)[:_SAMPLES])
    measured = np.isfinite(values)
    for base, number in _BASES.items():
        powers = np.power(number, np.where(measured, values, -np.inf))
        for offset in (1.0, 0.0):  # log(x + 1) and log(x)
            totals = (powers - offset * measured).sum(axis=1)
            for total in _TOTALS:
                if np.all(np.abs(totals / total - 1) < _TOLERANCE):
                    return base, total
    return "", 0.0


def on_base_two(scale: Scale, logarithm: Logarithm) -> Scale:
    """The scale of logarithms, which are converted if their base is another than 2."""
    warning = " ".join(filter(None, (scale.warning, logarithm.warning)))
    if logarithm.base == "log2":
        by = f"log2: {logarithm.decided_by}" if logarithm.decided_by else scale.decided_by
        return replace(scale, decided_by=by, warning=warning)
    by = f"{logarithm.base}: {logarithm.decided_by}, so they are converted to log2 on reading"
    return replace(scale, decided_by=by, convert=logarithm.to_log2, warning=warning)


def _logarithm(unit: str) -> str:
    return f"logarithm of {unit}" if unit else "logarithm"


def is_linear(sketch: ValueSketch) -> bool:
    """Whether numbers of expression or proteins are beyond what logarithms are."""
    return (
        sketch.count > 0
        and sketch.size_at(_LOG_QUANTILE) > HIGHEST_LOG
        and sketch.negative_share <= _MOST_NEGATIVE
    )


def _is_centred(sketch: ValueSketch) -> bool:
    low, high = _BALANCED
    return low <= sketch.negative_share <= high and sketch.size_at(_SIZE_QUANTILE) < _MOST_CENTRED


def copy_number_scale(sketch: ValueSketch, profile: Profile, file: str) -> Scale:
    """Scale of copy number: calls, log2 ratios, or what is converted to these.

    Raises
    ------
    StudyError
        If the file is declared DISCRETE and a few values are no calls (a slip), or if ratios and
        log2(ratio + 1) cannot be told apart.
    """
    scale = _copy_number_scale(sketch, profile, file)
    if profile.meta.datatype != "DISCRETE" or scale.kind == DISCRETE:
        return scale
    warning = f"{file} is declared DISCRETE, and holds no calls but {scale.decided_by}."
    return replace(scale, warning=warning)


def _copy_number_scale(sketch: ValueSketch, profile: Profile, file: str) -> Scale:
    declared = profile.meta.datatype == "DISCRETE"
    few = sketch.count < _FEWEST_COPIES
    calls = sketch.first_other is None
    if calls and not few and sketch.lowest >= 0 and sketch.quantile(0.5) >= 2:
        return _copies(file, "whole numbers from 0, of which the middle one is 2")
    if calls and (declared or not few):
        by = "all values are among -2, -1, 0, 1 and 2"
        other = f"{file} is not declared DISCRETE, and {by}: it is read as calls."
        return Scale(DISCRETE, "calls (-2 to 2)", by, warning="" if declared else other)
    if few and profile.scale in _CONVERT and sketch.lowest >= 0:
        return _by_distribution(sketch, profile, file)
    if few or (declared and 1 - sketch.share_near(CALLS) < _SLIPS):
        # Of a file of calls `mix_ups.refuse_other_than_calls` names the slip.
        return Scale(DISCRETE if declared else LOG2, "log2 ratio", "its meta file")
    return _by_distribution(sketch, profile, file)


def _by_distribution(sketch: ValueSketch, profile: Profile, file: str) -> Scale:
    """Scale of copy number that is no calls, of a hundred values and more."""
    middle = sketch.quantile(0.5)
    if sketch.lowest >= 0 and profile.scale in _CONVERT:
        return Scale(LOG2, "log2 ratio", f"{profile.scale}: its meta file", _CONVERT[profile.scale])
    if sketch.lowest < 0:
        if (base := declared_base(profile)) != "log2":
            return on_base_two(
                Scale(LOG2, "log2 ratio", ""), Logarithm(base, "the words of its meta file")
            )
        if profile.scale == "copies minus two" and sketch.lowest >= -2:
            by = f"its meta file, and no value below -2 (the lowest is {sketch.lowest:.3g})"
            return Scale(LOG2, "log2 ratio", f"copies less two: {by}", _of_copies_less_two)
        return Scale(LOG2, "log2 ratio", f"values below 0, the middle one {middle:.2g}")
    if sketch.whole and sketch.highest > 2 and middle >= 1:
        return _copies(file, f"whole numbers from 0 to {sketch.highest:g}")
    low, high = _COPIES_MIDDLE
    near_middle = sketch.quantile(0.05) >= middle / 4
    if low <= middle <= high and near_middle and sketch.size_at(0.9) <= 3 * middle:
        return _copies(file, f"no value below 0, the middle one {middle:.2g}")
    low, high = _RATIO_MIDDLE
    if not low <= middle < high or not near_middle:
        return Scale(LOG2, "log2 ratio", f"its meta file (no value below 0, middle {middle:.2g})")
    by = f"no value below 0, the middle one {middle:.2g}, the highest {sketch.highest:.3g}"
    if sketch.highest > _HIGHEST_LOG_RATIO_PLUS_ONE:
        return Scale(LOG2, "log2 ratio", f"ratios of copies: {by}", _of_ratios)
    message = (
        f"{file} holds ratios of copies or log2(ratio + 1), which its values cannot tell apart "
        f"({by}); write 'copy ratio' or 'log2(ratio+1)' into the profile_description of "
        f"{profile.meta.name}, or give log2 ratios."
    )
    raise study_error(message, file)


def _copies(file: str, by: str) -> Scale:
    warning = (
        f"{file} holds copies of genes ({by}), read as log2 ratios to each sample's middle one."
    )
    return Scale(LOG2, "log2 ratio", f"copies: {by}", _of_copies, warning)


def protein_scale(levels: ProteinLevels, profile: Profile, file: str) -> Scale:
    """Scale of RPPA: log2 levels, linear ones (which are logged), or z-scores."""
    sketch = levels.sketch
    if is_linear(sketch):
        by = f"values up to {sketch.highest:,.5g} are no logarithms"
        return Scale(LOG2, "log2 level", f"{by}, so they are logged on reading", _log2_plus_one)
    if profile.scale == Z_SCORE:
        return Scale(Z_SCORE, "standard deviations", "its meta file")
    if sketch.count <= CELLS and _is_standardised(levels.values):
        by = "each antibody has mean 0 and standard deviation 1 over the samples"
        warning = f"{file}: {by}, so it is read as z-scores, of which no ratios are built."
        return Scale(Z_SCORE, "standard deviations", by, warning=warning)
    levels_of = Scale(LOG2, "log2 level", "its meta file")
    return on_base_two(levels_of, Logarithm(declared_base(profile), "the words of its meta file"))


def _is_standardised(matrix: Matrix) -> bool:
    """Whether nearly every column has mean 0 and deviation 1, over ten samples at least."""
    values = matrix.rows.take(matrix.places)
    enough = values[:, np.isfinite(values).sum(axis=0) >= _STANDARD_SAMPLES]
    if enough.shape[1] < 2:
        return False
    mean = np.abs(np.nanmean(enough, axis=0))
    deviations = [np.abs(np.nanstd(enough, axis=0, ddof=ddof) - 1) for ddof in (0, 1)]
    deviation = np.minimum(*deviations)
    fits = (mean < _STANDARD_TOLERANCE) & (deviation < _STANDARD_TOLERANCE)
    return bool(fits.mean() > 1 - _SLIPS)


def _log2_plus_one(values: np.ndarray) -> np.ndarray:
    # In place from the first step on: of a large matrix each copy is hundreds of MiB.
    logarithms = np.asarray(np.clip(values, 0, None))
    logarithms += 1
    return np.asarray(np.log2(logarithms, out=logarithms))


def _of_ratios(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.log2(np.clip(values, _LEAST_RATIO, None)))


def _of_log2_plus_one(values: np.ndarray) -> np.ndarray:
    return _of_ratios(np.exp2(values) - 1)


def _of_copies_less_two(values: np.ndarray) -> np.ndarray:
    return _of_ratios((values + 2) / 2)


def _of_copies(values: np.ndarray) -> np.ndarray:
    """Log2 ratios to the middle of each sample's own copies; to 2 with few genes."""
    ploidy = np.full(len(values), 2.0)
    if values.shape[1] >= _FEWEST_GENES:
        for row, copies in enumerate(values):
            measured = copies[np.isfinite(copies)]
            middle = float(np.median(measured)) if len(measured) else math.nan
            ploidy[row] = middle if middle > 0 else 2.0
    return _of_ratios(values / ploidy[:, None])


#: Words of a meta file -> what makes log2 ratios of such copy number, where none is below 0.
_CONVERT: Mapping[str, Convert] = {
    "log2 of ratio plus one": _of_log2_plus_one,
    "ratios": _of_ratios,
    "copies": _of_copies,
}
