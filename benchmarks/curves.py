"""How fast are curves fitted, and how close to published ones? `python -m benchmarks.curves`.

Speed and residuals beside SciPy's `curve_fit` in a loop, on simulated series; GI50, IC50, areas and
GR metrics beside those of the sources, on the real plates of ``../shared`` where they are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import curve_fit
from scipy.stats import spearmanr, ttest_ind

from sidestep.features.assays.curves import CurveOptions, fit_curves
from sidestep.features.assays.hill import dose_at, fit_hill, hill
from sidestep.features.assays.layouts import read_plates
from sidestep.features.assays.readings import Readings, frame_of
from sidestep.features.assays.relative import relative_to_control
from sidestep.features.assays.shifts import find_shifts
from sidestep.features.assays.significance import classified
from sidestep.features.assays.tidy import Given
from sidestep.features.identifiers import match_key

_CURVES, _LOOP, _DOSES, _FLAT = 10_000, 200, 9, 2000
_SHARED = Path(os.environ.get("SIDESTEP_SHARED", Path(__file__).parents[2] / "shared"))


def main() -> None:
    for part in (speed, calibration):
        for line in part():
            print(line, flush=True)
    for check in (growth_rates, baf3, daemen, ccle):
        if not (_SHARED / "assays").is_dir():
            print(f"the real plates are not at {_SHARED}")
            return
        for line in check():
            print(line, flush=True)


def simulated(curves: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log10 doses and noisy values of curves of all shapes, (curves, 9) each."""
    rng = np.random.default_rng(seed)
    log_doses = np.tile(np.linspace(-3, 1, _DOSES), (curves, 1))
    theta = np.column_stack(
        [
            rng.uniform(-3, 1.5, curves),
            np.log(rng.uniform(0.5, 3, curves)),
            rng.uniform(0, 0.9, curves),
            np.ones(curves),
        ]
    )
    return log_doses, hill(theta, log_doses) + rng.normal(0, 0.08, log_doses.shape)


def speed() -> Iterator[str]:
    """Seconds of 10,000 curves, and of SciPy for each of 200 of them, with the residuals."""
    log_doses, values = simulated(_CURVES)
    started = time.perf_counter()
    fits = fit_hill(log_doses, values)
    batch = time.perf_counter() - started
    started = time.perf_counter()
    fit_hill(log_doses, values, robust=True)
    robust = time.perf_counter() - started

    def curve(x: np.ndarray, middle: float, slope: float, bottom: float) -> np.ndarray:
        return bottom + (1 - bottom) / (1 + 10 ** (slope * (x - middle)))

    bounds = ([-4.0, 0.1, 0.0], [2.0, 5.0, 1.0])
    sse = np.empty(_LOOP)
    started = time.perf_counter()
    for row in range(_LOOP):
        start = [float(np.median(log_doses[row])), 2.0, 0.4]
        found, _ = curve_fit(
            curve, log_doses[row], values[row], p0=start, bounds=bounds, max_nfev=5000
        )
        sse[row] = ((values[row] - curve(log_doses[row], *found)) ** 2).sum()
    loop = (time.perf_counter() - started) / _LOOP * _CURVES
    excess = fits.sse[:_LOOP] / sse - 1
    yield (
        f"{_CURVES} simulated curves of {_DOSES} doses: {batch:.1f} s ({robust:.1f} s robust), "
        f"scipy.optimize.curve_fit in a loop {loop:.0f} s (from {_LOOP}): {loop / batch:.0f} times"
    )
    yield (
        f"sum of squares over SciPy's less 1: median {np.median(excess):.1e}, largest "
        f"{excess.max():.1e}; SciPy's is more than 0.1 % larger in {(excess < -1e-3).sum()} of "
        f"{_LOOP}, ours in {(excess > 1e-3).sum()}"
    )


def calibration() -> Iterator[str]:
    """Share of flat series whose p of an effect lies below a level, by their design."""
    rng = np.random.default_rng(0)
    for doses, replicates in ((7, 1), (9, 1), (8, 2), (9, 3)):
        points = doses * replicates
        columns = {
            "sample": np.repeat([f"S{n}" for n in range(_FLAT)], points), "drug": "D", "unit": "uM",
            "role": "treated", "file": "simulated", "line": np.arange(_FLAT * points),
            "dose": np.tile(np.repeat(np.geomspace(0.001, 10, doses), replicates), _FLAT),
            "value": 1 + rng.normal(0, 0.08, _FLAT * points),
        }  # fmt: skip
        wells = frame_of(columns, _FLAT * points)
        p = classified(fit_curves(Readings(wells, "viability"))).table["p"]
        yield (
            f"{_FLAT} flat simulated series of {doses} doses, {replicates} well(s) each: p of an "
            f"effect below 0.05 in {(p < 0.05).mean():.1%}, below 0.01 in {(p < 0.01).mean():.1%}"
        )


def growth_rates() -> Iterator[str]:
    """GR metrics beside those of the R and Python tools, in all three layouts."""
    folder = _SHARED / "assays" / "gr_metrics"
    for layout in range(1, 4):
        parts = ("",) if layout == 1 else ("_data", "_ctrl", "_time0")
        paths = [folder / f"INPUT_toy_example_input{layout}{part}.tsv" for part in parts]
        readings = read_plates(paths, Given(unit="uM"))
        table = fit_curves(readings, CurveOptions(apart=("replicate",))).table
        words = []
        for tool in ("python", "R"):
            both = _beside_tool(table, folder / f"OUTPUT_{tool}_input1_GRmetrics.tsv")
            inside = np.isfinite(both["GR50"]) & (both["gr50_limit"] == "")
            gr50 = (both["gr50"] / both["GR50"] - 1).abs()[inside]
            area = "GR_AUC" if "GR_AUC" in both else "GR_AOC"
            words.append(
                f"{tool}: GR50 {gr50.max():.1e} of {inside.sum()}, GRmax "
                f"{(both['gr_max'] - both['GRmax']).abs().max():.1e}, AOC "
                f"{(both['gr_aoc'] - both[area]).abs().max():.1e}"
            )
        yield f"GR metrics, layout {layout}, largest difference (GR50 relative): {'; '.join(words)}"


def _beside_tool(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    tool = pd.read_csv(path, sep="\t").rename(columns={"cell_line": "sample", "agent": "drug"})
    ours = table.assign(
        perturbation=table["condition"].astype(int), replicate=table["replicate"].astype(int)
    )
    return ours.merge(tool, on=["sample", "drug", "perturbation", "replicate", "time"])


def baf3() -> Iterator[str]:
    """Imatinib IC50s of the BCR-ABL mutants beside the published ones."""
    folder = _SHARED / "assays" / "bcrabl_baf3"
    published = pd.read_csv(folder / "Combined_data_frame_IC_Mutprob_abundance.csv")
    readings = read_plates([folder / "raw_Imatinib.csv"])
    for parameters in (3, 4):
        curves = fit_curves(readings, CurveOptions(parameters=parameters))
        table = curves.table
        both = table.assign(row=range(len(table))).merge(
            published, left_on="sample", right_on="Compound"
        )
        rho = spearmanr(both["ic50"], both["IC50"]).statistic
        ratio = both["IC50"] / (1000 * both["ic50"])
        wild = table.loc[table["sample"] == "WT", "ic50"].iloc[0]
        yield (
            f"Ba/F3 imatinib, {parameters} parameters: Spearman {rho:.3f} over {len(both)} "
            f"genotypes, published over ours median {ratio.median():.2f} ({ratio.min():.2f} to "
            f"{ratio.max():.2f}); wild type {1000 * wild:.0f} nM"
        )
        theta = curves.fits.theta[both["row"]]
        left = hill(theta, np.log10(both["IC50"].to_numpy(float) / 1000)[:, None])[:, 0]
        slowed = 10 ** dose_at(theta, np.full(len(theta), 2.0**-3))
        yield (
            f"  at the published IC50s {left.min():.2f} to {left.max():.2f} of the signal is left, "
            f"median {np.median(left):.2f}; dose at which six divisions become three: Spearman "
            f"{spearmanr(slowed, both['IC50']).statistic:.3f}, published over it median "
            f"{np.median(both['IC50'] / (1000 * slowed)):.2f}"
        )
    table = find_shifts(readings, "sample", "WT", CurveOptions(parameters=4)).table
    for _, row in table.sort_values("fold_change", ascending=False).iterrows():
        if row["sample"] in ("T315I", "E255V", "F359V", "M244V", "Q252H", "E355G"):
            yield (
                f"  shift of {row['sample']}: {row['fold_change']:.2f}-fold "
                f"({row['fold_change_lower']:.2f} to {row['fold_change_upper']:.2f}), AUC "
                f"{row['auc_difference']:+.2f}, q {row['q']:.1e}, {row['verdict']}"
            )
    yield from _m244v(readings, folder)


def _m244v(readings: Readings, folder: Path) -> Iterator[str]:
    """Why M244V is not called resistant: where on the curve it differs from the wild type."""
    given = Given(unit="uM", drug="Imatinib")
    joined = read_plates([folder / "BCRABL_IC50s.csv"], given)
    table = find_shifts(joined, "sample", "WT", CurveOptions(parameters=4)).table
    row = table.set_index("sample").loc["M244V"]
    yield (
        f"  M244V against all 20 wild-type replicates: {row['fold_change']:.2f}-fold "
        f"({row['fold_change_lower']:.2f} to {row['fold_change_upper']:.2f}), q {row['q']:.1e}, "
        f"{row['verdict']}"
    )
    wells = relative_to_control(readings).wells
    told = []
    for left in (0.5, 0.125, 0.05, 0.02):
        one, other = (_doses_leaving(wells, sample, left) for sample in ("M244V", "WT"))
        ends = 10 ** np.array(ttest_ind(one, other, equal_var=False).confidence_interval())
        ratio = 10 ** (one.mean() - other.mean())
        told.append(f"{100 * left:g} %: {ratio:.2f}-fold ({ends[0]:.2f} to {ends[1]:.2f})")
    yield f"  M244V, ratio of the doses that leave {'; '.join(told)}"


def _doses_leaving(wells: pd.DataFrame, sample: str, left: float) -> np.ndarray:
    """Log10 of the dose at which the signal first falls to a share, a replicate each."""
    found = []
    for _, series in wells[wells["sample"] == sample].groupby("replicate"):
        ordered = series.sort_values("dose")
        x = np.log10(ordered["dose"].to_numpy(float))
        y = np.log10(np.maximum(ordered["relative"].to_numpy(float), 1e-6))
        below = int(np.argmax(y < np.log10(left)))
        ends = slice(below - 1, below + 1)
        found.append(np.interp(-np.log10(left), -y[ends], x[ends]))
    return np.array(found)


def daemen() -> Iterator[str]:
    """GI50 from Daemen's plates beside the published ones."""
    readings = read_plates([_SHARED / "raw" / "gb-2013-14-10-r110-s9.txt"])
    started = time.perf_counter()
    table = fit_curves(readings).table
    seconds = time.perf_counter() - started
    table = table.assign(ours=6 - np.log10(table["gi50"]))
    both = table.assign(
        line=table["sample"].map(match_key), name=table["drug"].map(match_key)
    ).merge(published_gi50(), on=["line", "name"])
    for words, part in _well_fitted(both.dropna(subset=["ours", "published"])):
        within = [
            spearmanr(group["ours"], group["published"]).statistic
            for _, group in part.groupby("name")
            if len(group) >= 10
        ]
        yield (
            f"Daemen, -log10 GI50, {words}: Spearman {_rho(part, 'ours', 'published')}, median "
            f"within a drug {np.median(within):.3f} ({len(within)} drugs); {len(table)} curves of "
            f"{len(readings.wells)} wells in {seconds:.0f} s"
        )


def published_gi50() -> pd.DataFrame:
    """The published values of the breast study: line, drug, value."""
    path = _SHARED / "studies" / "breast_cell_lines" / "data_treatment_gi50.txt"
    wide = pd.read_csv(path, sep="\t", index_col="NAME")
    wide = wide.drop(columns=["ENTITY_STABLE_ID", "DESCRIPTION", "URL"])
    values = wide.apply(pd.to_numeric, errors="coerce").stack()
    return pd.DataFrame(
        {
            "name": [match_key(drug) for drug, _ in values.index],
            "line": [match_key(line) for _, line in values.index],
            "published": values.to_numpy(float),
        }
    )


def ccle() -> Iterator[str]:
    """Areas and IC50s from CCLE's dose points beside the published ones."""
    path = _SHARED / "raw" / "CCLE_NP24.2009_Drug_data_2015.02.24.csv"
    table = fit_curves(read_plates([path])).table
    published = pd.read_csv(path)
    both = table.merge(
        published, left_on=["sample", "drug"], right_on=["CCLE Cell Line Name", "Compound"]
    )
    for words, part in _well_fitted(both):
        yield (
            f"CCLE, {words}: Spearman of area above the curve {_rho(part, 'aac', 'ActArea')}, "
            f"of IC50 {_rho(part, 'ic50', 'IC50 (uM)')}"
        )


def _well_fitted(both: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """All curves, and those fitted with an R2 above 0.8 whose IC50 lies between the doses."""
    well = both[(both["status"] == "fitted") & (both["r2"] > 0.8)]
    yield f"all {len(both)} curves", both
    yield f"{len(well)} well-fitted curves", well


def _rho(table: pd.DataFrame, ours: str, published: str) -> str:
    """Spearman's correlation with its 95 % interval (Fisher's z)."""
    known = table[[ours, published]].dropna()
    rho = float(spearmanr(known[ours], known[published]).statistic)
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (len(known) - 3))
    low, high = np.tanh(np.arctanh(rho) - half), np.tanh(np.arctanh(rho) + half)
    return f"{rho:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
