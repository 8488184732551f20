"""A model of the merge of CCLE's RPPA with GDSC2, from raw files alone, beside `pancan_cell_lines`.

    python -m benchmarks.raw_files

`raw/CCLE_RPPA_20181003.csv` and `raw/GDSC2_fitted_dose_response.csv` are imported as they are
published and merged (`data import`, `data merge`). The same lines and folds by donor are
taken of `pancan_cell_lines`, which was put together by hand from the same two publications; the
blend at its default settings learns from RPPA alone in both. r within folds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.cross_study import drug_blend
from sidestep.features.merging.lines import match_samples
from sidestep.features.study.study import Study, read_study
from sidestep.main import main as sidestep
from sidestep.training.validation.cross_validation import Plan, fit_features, split_lines
from sidestep.training.validation.metrics import correlation, within_folds

DRUGS = ("Lapatinib", "Erlotinib", "Trametinib")
_ALLOWED = 0.02


def main() -> None:
    """Print r of both ways, a row a drug."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drugs", nargs="+", default=DRUGS)
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    started = time.perf_counter()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    pancan = read_study(shared / "studies" / "pancan_cell_lines")
    plan = Plan(folds=options.folds, jobs=1, modalities=("rppa",))
    with tempfile.TemporaryDirectory() as place:
        merged = from_raw(shared / "raw", Path(place))
        table = compare(merged, pancan, options.drugs, plan)
    print(table.round(4).to_string(index=False))
    worst = table["difference"].abs().max()
    print(
        f"largest difference {worst:.4f} ({'within' if worst <= _ALLOWED else 'BEYOND'} {_ALLOWED})"
    )
    print(f"{time.perf_counter() - started:.0f} s")


def from_raw(raw: Path, place: Path) -> Study:
    """CCLE's RPPA and GDSC2 of the raw files as one study, by the command line's own verbs."""
    folders = []
    for file in ("CCLE_RPPA_20181003.csv", "GDSC2_fitted_dose_response.csv"):
        folders.append(str(place / file.split("_", 1)[0].lower()))
        _run(["data", "import", str(raw / file), folders[-1]])
    _run(["data", "merge", *folders, "--out", str(place / "merged")])
    return read_study(place / "merged")


def _run(arguments: list[str]) -> None:
    if sidestep(arguments):
        raise SystemExit(f"sidestep {' '.join(arguments)} failed")


def compare(raw: Study, pancan: Study, drugs: list[str], plan: Plan) -> pd.DataFrame:
    """A row a drug: lines, r of the raw files, r of the shared study, their difference."""
    same = match_samples([pancan, raw]).names[1]
    responses = {"raw": raw.response("gdsc2_ln_ic50"), "pancan": pancan.response("ln_ic50_gdsc2")}
    own = {sample: line for line, sample in same.items() if sample in set(pancan.samples)}
    rppa = {"raw": raw.rppa, "pancan": pancan.rppa}
    assert rppa["raw"] is not None
    assert rppa["pancan"] is not None
    lines = [
        line
        for line in pancan.samples
        if line in own and line in rppa["pancan"].index and own[line] in rppa["raw"].index
        and line in responses["pancan"].values.index
        and own[line] in responses["raw"].values.index
    ]  # fmt: skip
    index = pd.Index(lines, dtype="str")
    shared = rppa["raw"].columns.intersection(rppa["pancan"].columns)
    print(
        f"{len(lines)} lines; antibodies {rppa['raw'].shape[1]} raw, {rppa['pancan'].shape[1]} in"
    )
    print(f"pancan_cell_lines, {len(shared)} of one name")
    found: dict[str, list[pd.DataFrame]] = {"raw": [], "pancan": []}
    for fold, (train, test) in enumerate(split_lines(pancan, index, plan)):
        for name, study in (("raw", raw), ("pancan", pancan)):
            at = own if name == "raw" else dict(zip(lines, lines, strict=True))
            ours, held = ([at[line] for line in part] for part in (train, test))
            _, features = fit_features(study, pd.Index(ours), pd.Index([*ours, *held]), plan)
            for drug in drugs:
                values = responses[name].values[responses[name].drug(drug)]
                y = values.reindex(ours).dropna()
                told = [line for line in held if np.isfinite(values.get(line, np.nan))]
                model = drug_blend(drug, list(features.columns), fold)
                donors = pancan.donors.loc[[same.get(line, line) for line in y.index]]
                model.fit(features.loc[y.index], y.to_numpy(float), donors.to_numpy(dtype=object))
                answer = {
                    "observed": values.loc[told],
                    "predicted": model.predict(features.loc[told]),
                }
                found[name].append(pd.DataFrame({"drug": drug, "fold": fold, **answer}))
    tables = {name: pd.concat(parts) for name, parts in found.items()}
    rows = []
    for drug in drugs:
        parts = [tables[name][tables[name]["drug"] == drug] for name in ("raw", "pancan")]
        r_raw, r_pancan = (_r(part) for part in parts)
        rows.append((drug, len(parts[0]), len(parts[1]), r_raw, r_pancan, r_raw - r_pancan))
    columns = ["drug", "lines_raw", "lines_pancan", "r_raw", "r_pancan", "difference"]
    return pd.DataFrame(rows, columns=columns)


def _r(part: pd.DataFrame) -> float:
    observed, predicted = (part[name].to_numpy(float) for name in ("observed", "predicted"))
    once = np.ones((1, len(part)))
    return float(within_folds(correlation, observed, predicted, part["fold"].to_numpy(), once)[0])


if __name__ == "__main__":
    main()
