"""Whether two drugs do more together: excess over each model with interval, and a verdict.

A pair in a sample gets the mean excess over all its combinations, in points of percent inhibition.
Errors are those of a bootstrap:

==========  ========================================================================
method      when
==========  ========================================================================
replicates  three or more replicates that each hold the whole matrix: whole replicates are
            drawn, so that what differs between plates counts
wells       else: the scatter between wells of the same doses, or, where each stands once, around
            the curves of the single agents
==========  ========================================================================
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from sidestep.features.assays.hill import fit_hill
from sidestep.features.errors import InputError
from sidestep.features.synergy.interactions import (
    FEWEST_DOSES,
    MODELS,
    Interaction,
    Layout,
    interact,
)
from sidestep.features.synergy.matrices import KEYS, Matrices

SYNERGISTIC, ADDITIVE, ANTAGONISTIC, UNCLEAR = (
    "synergistic", "additive", "antagonistic", "unclear",
)  # fmt: skip
#: Verdict -> what it means.
VERDICTS: Final = {
    SYNERGISTIC: "more is killed than the model expects (q at most the limit), and no other model "
    "says the contrary",
    ADDITIVE: "the whole interval lies within the margin around what the model expects",
    ANTAGONISTIC: "less is killed than the model expects (q at most the limit), and no other model "
    "says the contrary",
    UNCLEAR: "too uncertain, too few wells, or the models disagree",
}
_FEWEST_REPLICATES = 3
#: Scatter between repeated wells takes so many degrees of freedom to be told.
_FEWEST_REPEATS = 3
#: The better single agent is no rival of a synergy: what it says follows from the others.
_WITNESSES = ("bliss", "loewe", "zip")


@dataclass(frozen=True)
class SynergyOptions:
    """How pairs are judged.

    Attributes
    ----------
    model : str
        Of `interactions.MODELS`: the one that the verdict goes by.
    models : collection of str
        Those that are worked out.
    draws : int
        Of the bootstrap.
    fdr : float
        Up to which q (Benjamini-Hochberg over all pairs and samples) an excess counts.
    margin : float
        Points of percent inhibition that do not matter.
    level : float
        Of the intervals.
    seed : int
    """

    model: str = "bliss"
    models: Collection[str] = MODELS
    draws: int = 100
    fdr: float = 0.05
    margin: float = 5.0
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse an unknown model and too few draws."""
        if self.model not in self.models or not set(self.models) <= set(MODELS):
            raise InputError(f"{self.model!r} is no model; choose {', '.join(MODELS)}")
        if self.draws < 20:
            raise InputError(f"{self.draws} draws tell no error; take 20 or more")


@dataclass(frozen=True)
class Synergy:
    """Pairs judged.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a pair and sample; the columns are described in docs/assays.md.
    surfaces : pandas.DataFrame
        A row a combination of doses: inhibition, excess of each model, combination index.
    options : SynergyOptions
    """

    table: pd.DataFrame
    surfaces: pd.DataFrame
    options: SynergyOptions


def find_synergy(matrices: Matrices, options: SynergyOptions | None = None) -> Synergy:
    """Judge every pair of drugs in every sample.

    Parameters
    ----------
    matrices : Matrices
    options : SynergyOptions

    Raises
    ------
    InputError
        If no well holds two drugs.
    """
    options = options or SynergyOptions()
    wells = matrices.wells.assign(time=matrices.wells["time"].fillna(-1.0))
    if not ((wells["dose1"] > 0) & (wells["dose2"] > 0)).any():
        raise InputError("no well holds two drugs; give doses of both in some of them")
    rows, surfaces = [], []
    for names, block in wells.groupby(list(KEYS), sort=False):
        told: dict[str, Any] = dict(zip(KEYS, names, strict=True))
        told["time"] = np.nan if told["time"] == -1.0 else told["time"]
        row, surface = _judge(block, options)
        units = {f"unit{which}": _unit(block, which) for which in (1, 2)}
        rows.append({**told, **units, **row})
        surfaces.append(surface.assign(**told, **units))
    table = pd.DataFrame(rows)
    table["q"] = np.nan
    known = table["p"].notna()
    if known.any():
        table.loc[known, "q"] = stats.false_discovery_control(table.loc[known, "p"])
    verdicts = [_verdict(row, options) for row in table.to_dict("records")]
    table["verdict"], table["reason"] = zip(*verdicts, strict=True)
    joined = pd.concat(surfaces, ignore_index=True)
    first = [*KEYS, "unit1", "unit2"]
    return Synergy(table, joined[[*first, *(c for c in joined if c not in first)]], options)


def _unit(block: pd.DataFrame, which: int) -> str:
    dosed = block.loc[block[f"dose{which}"] > 0, f"unit{which}"]
    units = sorted(set(dosed))
    if len(units) > 1:
        name = block[f"drug{which}"].iloc[0]
        raise InputError(
            f"{name} is given in {' and in '.join(units)}; convert one of them, which takes its "
            "molecular weight"
        )
    return str(units[0]) if units else ""


def _judge(block: pd.DataFrame, options: SynergyOptions) -> tuple[dict[str, object], pd.DataFrame]:
    """Numbers of a pair in a sample, and its surface."""
    groups = block.groupby(["dose1", "dose2"], sort=True)["viability"]
    cells = groups.agg(["mean", "count"]).reset_index()
    layout = Layout.of(cells)
    means = cells["mean"].to_numpy(float)
    row: dict[str, object] = {
        "doses1": len(set(layout.doses(0))), "doses2": len(set(layout.doses(1))),
        "combinations": len(layout.combos), "wells": len(block),
        "replicates": block["replicate"].nunique(), "method": "", "p": np.nan,
    }  # fmt: skip
    if not len(layout.combos):
        return row, pd.DataFrame()
    drawn, method, freedom = _draws(block, cells, layout, options)
    found = interact(
        layout, np.vstack([means, *drawn]) if len(drawn) else means[None], options.models
    )
    row["method"] = method
    shrink = 1.0
    if method == "replicates":
        shrink = np.sqrt((freedom + 1) / freedom)
    half = stats.t.ppf((1 + options.level) / 2, freedom) if method else np.nan
    for model, excess in found.excess.items():
        mean = 100 * _row_means(excess)
        error = shrink * _spread(mean)
        row |= {model: mean[0], f"{model}_lower": mean[0] - half * error,
                f"{model}_upper": mean[0] + half * error}  # fmt: skip
        if model == options.model and error > 0:
            row["p"] = 2 * stats.t.sf(abs(mean[0]) / error, freedom)
    row["hsa_sum"] = _published_sum(layout, means)
    row |= _index(found, half, shrink)
    return row, _surface(layout, cells, found)


def _row_means(values: np.ndarray) -> np.ndarray:
    """Mean of the known values of each row; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spread(values: np.ndarray) -> float:
    """Standard deviation of the draws behind the estimate; NaN without any."""
    drawn = values[1:][np.isfinite(values[1:])]
    return float(drawn.std(ddof=1)) if len(drawn) > 2 else np.nan


def _draws(
    block: pd.DataFrame, cells: pd.DataFrame, layout: Layout, options: SynergyOptions
) -> tuple[np.ndarray, str, float]:
    """Bootstrap means of the cells, how they were drawn, and degrees of freedom."""
    rng = np.random.default_rng(options.seed)
    whole = _whole_replicates(block)
    if whole is not None:
        picked = rng.integers(0, len(whole), (options.draws, len(whole)))
        return whole[picked].mean(axis=1), "replicates", len(whole) - 1.0
    means, counts = cells["mean"].to_numpy(float), cells["count"].to_numpy(float)
    freedom = float(counts.sum() - len(counts))
    if freedom >= _FEWEST_REPEATS:
        variance = block.groupby(["dose1", "dose2"])["viability"].var(ddof=1).to_numpy(float)
        squares = np.nansum(variance * (counts - 1))
    else:
        squares, freedom = _residuals(layout, means)
    if freedom < 1:
        return np.empty((0, len(means))), "", np.nan
    noise = rng.normal(0.0, 1.0, (options.draws, len(means)))
    return means + noise * np.sqrt(squares / freedom / counts), "wells", freedom


def _whole_replicates(block: pd.DataFrame) -> np.ndarray | None:
    """(n_replicates, n_cells) where three or more replicates hold every cell once, else None."""
    if block["replicate"].nunique() < _FEWEST_REPLICATES or (block["replicate"] == "").any():
        return None
    if block.duplicated(["replicate", "dose1", "dose2"]).any():
        return None
    wide = block.pivot(index="replicate", columns=["dose1", "dose2"], values="viability")
    wide = wide.sort_index(axis=1)
    return wide.to_numpy(float) if wide.notna().all(axis=None) else None


def _residuals(layout: Layout, means: np.ndarray) -> tuple[float, float]:
    """Sum of squares around the single agents' curves, and its degrees of freedom."""
    squares, freedom = 0.0, 0.0
    for which in (0, 1):
        doses = layout.single_doses(which)
        if len(doses) <= FEWEST_DOSES:
            continue
        fits = fit_hill(np.log10(doses)[None], means[layout.alone[which]][None])
        squares += float(fits.sse[0])
        freedom += float(fits.freedom[0])
    return squares, freedom


def _published_sum(layout: Layout, means: np.ndarray) -> float:
    """Sum over all combinations of viability less that of the better drug, each within 0 to 100.

    NCATS' ``ExcessHSA``: below 0 the pair kills more.
    """
    single = [means[places] for places in layout.margins]
    if any((places < 0).any() for places in layout.margins):
        return np.nan
    clipped = [np.clip(100 * values, 0, 100) for values in (*single, means[layout.combos])]
    return float((clipped[2] - np.minimum(clipped[0], clipped[1])).sum())


def _index(found: Interaction, half: float, widen: float) -> dict[str, object]:
    """Geometric mean of the combination index with its interval."""
    logs = _row_means(found.log_index)
    error = widen * _spread(logs)
    return {
        "combination_index": np.exp(logs[0]),
        "combination_index_lower": np.exp(logs[0] - half * error),
        "combination_index_upper": np.exp(logs[0] + half * error),
        "line1_r": found.lines[0],
        "line2_r": found.lines[1],
    }


def _surface(layout: Layout, cells: pd.DataFrame, found: Interaction) -> pd.DataFrame:
    table = cells.iloc[layout.combos][["dose1", "dose2"]].reset_index(drop=True)
    table["wells"] = cells["count"].to_numpy()[layout.combos]
    table["inhibition"] = 100 * (1 - cells["mean"].to_numpy()[layout.combos])
    for model, excess in found.excess.items():
        table[model] = 100 * excess[0]
    return table.assign(combination_index=np.exp(found.log_index[0]))


def _verdict(row: Mapping[Any, Any], options: SynergyOptions) -> tuple[str, str]:
    """Verdict and reason of a pair in a sample."""
    value = row.get(options.model, np.nan)
    name = _name(options.model)
    if not np.isfinite(value):
        return UNCLEAR, f"{name} cannot be told: single agents at these doses, or {FEWEST_DOSES} " \
            "doses of each alone, are lacking"  # fmt: skip
    low, high = row[f"{options.model}_lower"], row[f"{options.model}_upper"]
    told = f"{name} excess {value:.1f} points"
    if not np.isfinite(low):
        return UNCLEAR, f"{told}; wells stand once and tell no error"
    told += f" ({low:.1f} to {high:.1f})"
    if -options.margin <= low and high <= options.margin:
        return ADDITIVE, f"{told}, all within {options.margin:g}"
    if not row["q"] <= options.fdr:
        return UNCLEAR, f"{told}, q {row['q']:.2g}"
    for other in _WITNESSES:
        contrary = f"{other}_upper" if value > 0 else f"{other}_lower"
        if other != options.model and row.get(contrary, np.nan) * value < 0:
            told += f", but {_name(other)} excess {row[other]:.1f} says the contrary"
            return UNCLEAR, told
    return (SYNERGISTIC if value > 0 else ANTAGONISTIC), f"{told}, q {row['q']:.2g}"


def _name(model: str) -> str:
    return {"bliss": "Bliss", "loewe": "Loewe"}.get(model, model.upper())
