"""A model of one screen on the lines of another, beside what the screens themselves agree on.

    python -m benchmarks.cross_study
    python -m benchmarks.cross_study --drugs Lapatinib Erlotinib --dreval out

`pancan_cell_lines`: GDSC2 (ln IC50), CTRPv2 (AUC), CCLE's 24 drugs (activity area), all turned so
that higher is more resistant. Lines are held out whole, with their donor, in all screens at once:
the model of one screen predicts the held-out lines, and is held against every screen that measured
them. r within folds, with a 95 % interval (bootstrap over donors). The ceiling is the r of the two
screens with each other on the same lines; a model averages noise over lines, so that it may come
near, and above only by chance or where the target screen is the better one.

DrEval's leave-cell-line-out holds lines out in the same way: no line is trained and tested on,
whatever the drug or screen. Its groups are lines (`--split line`), ours are donors, which is
stricter. `--dreval`
writes the predictions as DrEval's own runs do: ``TRAINED/LCO/Sidestep/predictions/
predictions_split_K.csv`` and ``cross_study/cross_study_TESTED_split_K.csv``, with the columns
`cell_line_name, pubchem_id, tissue, response, predictions`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sidestep.features.builders.names import features_of_genes, marker_features
from sidestep.features.groups import lineage_labels
from sidestep.features.knowledge.drugs import find_drug, pubchem_id, standard_name
from sidestep.features.study.responses import columns_of
from sidestep.features.study.study import Study, read_study
from sidestep.models.estimators.blend import Blend
from sidestep.models.estimators.lines import LineMatrix, TrainingLines
from sidestep.training.external.accuracy import interval_of
from sidestep.training.validation.cross_validation import Plan, fit_features, split_lines
from sidestep.training.validation.metrics import (
    correlation,
    donor_weights,
    pearson,
    within_folds,
)

SCREENS = {"GDSC2": "ln_ic50_gdsc2", "CTRPv2": "auc_ctrp2", "CCLE24": "actarea_ccle24"}
DRUGS = ("Lapatinib", "Erlotinib", "Crizotinib", "PLX-4720", "Nilotinib", "Trametinib")
Screens = Mapping[str, pd.DataFrame]
_FEWEST = 20


def main() -> None:
    """Print the table a drug, and the mean a pair of screens."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--drugs", nargs="+", default=DRUGS)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--split", choices=["donor", "line"], default="donor")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dreval", type=Path, help="folder for predictions in DrEval's format")
    options = parser.parse_args()
    started = time.perf_counter()
    shared = Path(os.environ.get("SIDESTEP_SHARED", "../shared"))
    study = read_study(shared / "studies" / "pancan_cell_lines")
    screens = read_screens(study, options.drugs)
    plan = Plan(folds=options.folds, seed=options.seed, jobs=1)
    predicted = held_out(study, screens, plan, by_line=options.split == "line")
    table = cross_table(study, screens, predicted, options.seed)
    print(table.round(3).to_string(index=False), "\n")
    print(mean_of_pairs(table).round(3).to_string(index=False))
    print(f"{time.perf_counter() - started:.0f} s")
    if options.dreval is not None:
        written = write_dreval(options.dreval, study, screens, predicted)
        print(f"{len(written)} files of predictions in {options.dreval}")


def read_screens(
    study: Study, drugs: Sequence[str], names: Mapping[str, str] = SCREENS
) -> dict[str, pd.DataFrame]:
    """Lines x drugs of each screen, higher more resistant; columns of one drug averaged."""
    found = {}
    for name, response_name in names.items():
        response = study.response(response_name)
        sign = 1.0 if response.higher_is_resistant else -1.0
        columns = {standard_name(drug): list(columns_of(drug, response)) for drug in drugs}
        found[name] = pd.DataFrame(
            {drug: sign * response.values[own].mean(axis=1) for drug, own in columns.items() if own}
        )
    return found


def tested_lines(study: Study, screens: Screens) -> pd.Index:
    """Lines with a molecular profile and a response to any of the drugs in any screen."""
    profiled = {s for name, own in study.profiled().items() if name != "clinical" for s in own}
    tested = {line for values in screens.values() for line in values.dropna(how="all").index}
    names: pd.Index = study.samples[np.isin(study.samples, list(profiled & tested))]
    return names


def line_splits(lines: pd.Index, folds: int, seed: int) -> list[tuple[pd.Index, pd.Index]]:
    """Training and test lines of folds by the rule of DrEval: lines in random order, equal parts.

    A line is in one fold alone; lines of one donor may be in several.
    """
    shuffled = np.random.default_rng(seed).permutation(len(lines))
    parts = np.array_split(shuffled, folds)
    return [(lines[np.setdiff1d(shuffled, part)], lines[np.sort(part)]) for part in parts]


def held_out(study: Study, screens: Screens, plan: Plan, *, by_line: bool = False) -> pd.DataFrame:
    """Predictions of held-out lines: `drug, trained, sample_id, fold, predicted`.

    Folds hold out donors, or single lines as DrEval does.
    """
    lines = tested_lines(study, screens)
    splits = (
        line_splits(lines, plan.folds, plan.seed) if by_line else split_lines(study, lines, plan)
    )
    tables = [
        pd.DataFrame(
            {"drug": drug, "trained": screen, "sample_id": test, "fold": fold, "predicted": answer}
        )
        for fold, (train, test) in enumerate(splits)
        for drug, screen, answer in _answers(study, screens, train, test, plan, fold)
    ]
    return pd.concat(tables, ignore_index=True)


def _answers(
    study: Study, screens: Screens, train: pd.Index, test: pd.Index, plan: Plan, fold: int
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Drug, screen and prediction of the test lines, all drugs on one matrix of a fold."""
    lines = train.append(test)
    _, features = fit_features(study, train, lines, plan)
    matrix = TrainingLines.all_of(LineMatrix.of(features.loc[train]).complete())
    for screen, values in screens.items():
        for drug in values.columns:
            y = values[drug].reindex(train).dropna()
            if len(y) >= _FEWEST:
                model = drug_blend(drug, list(features.columns), plan.seed + fold)
                donors = study.donors.loc[y.index].to_numpy(dtype=object)
                model.fit(matrix.among(train.get_indexer(y.index)), y.to_numpy(float), donors)
                yield drug, screen, model.predict(features.loc[test])


def drug_blend(drug: str, features: list[str], seed: int) -> Blend:
    """The blend at its default settings, with the drug's target view and marker."""
    known = find_drug(drug)
    if known is None:
        return Blend(seed=seed)
    genes = (*known.targets, *known.partners)
    return Blend(features_of_genes(features, genes), marker_features(known.marker), seed=seed)


def cross_table(study: Study, screens: Screens, predicted: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A row a drug, screen of the model and screen of the truth.

    `lines, r, lower, upper` of the model on held-out lines; `ceiling` is the r of the two screens
    (of one screen: of the screen that agrees best with it), `shared` the lines that it is of,
    and `ratio` is r / ceiling.
    """
    rows = []
    for (drug, trained), answers in predicted.groupby(["drug", "trained"], sort=False):
        answers = answers.set_index("sample_id")
        for tested, values in screens.items():
            if drug not in values:
                continue
            truth = values[drug].reindex(answers.index)
            has = truth.notna().to_numpy()
            if has.sum() < _FEWEST:
                continue
            part = answers[has]
            weights = donor_weights(study.donors.loc[part.index].to_numpy(str), 1000, seed)
            draws = within_folds(
                correlation,
                truth[has].to_numpy(float),
                part["predicted"].to_numpy(float),
                part["fold"].to_numpy(),
                weights,
            )
            shared, ceiling = _ceiling(screens, str(drug), str(trained), tested)
            r, (low, high) = float(draws[0]), interval_of(draws)
            rows.append(
                (drug, trained, tested, int(has.sum()), r, low, high, shared, ceiling, r / ceiling)
            )
    columns = ["drug", "trained", "tested", "lines", "r", "lower", "upper"]
    return pd.DataFrame(rows, columns=[*columns, "shared", "ceiling", "ratio"])


def _ceiling(screens: Screens, drug: str, one: str, other: str) -> tuple[int, float]:
    """Lines that two screens share, and their r; of one screen, of its best agreeing other."""
    if one == other:
        others = [name for name in screens if name != one and drug in screens[name]]
        found = [_ceiling(screens, drug, one, name) for name in others]
        return max(found, key=lambda pair: np.nan_to_num(pair[1], nan=-1.0), default=(0, np.nan))
    both = pd.concat([screens[one][drug], screens[other][drug]], axis=1).dropna()
    if len(both) < _FEWEST:
        return len(both), float("nan")
    return len(both), pearson(*both.to_numpy(float).T)


def mean_of_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Mean r, ceiling and ratio of means over drugs, a row a pair of screens."""
    means = table.groupby(["trained", "tested"], sort=False)[["r", "ceiling"]].mean()
    counts = table.groupby(["trained", "tested"], sort=False).size()
    means = means.assign(drugs=counts, ratio=means["r"] / means["ceiling"])
    return means.reset_index()


def dreval_rows(study: Study, values: pd.Series, answers: pd.DataFrame, drug: str) -> pd.DataFrame:
    """Held-out predictions of one drug as DrEval writes them; lines without a response left out."""
    truth = values.reindex(answers["sample_id"]).to_numpy(float)
    names = (
        study.clinical["CELL_LINE_NAME"].reindex(answers["sample_id"])
        if "CELL_LINE_NAME" in study.clinical
        else answers["sample_id"]
    )
    table = pd.DataFrame(
        {
            "cell_line_name": names.to_numpy(),
            "pubchem_id": pubchem_id(drug) or drug,
            "tissue": lineage_labels(study).reindex(answers["sample_id"]).to_numpy(),
            "response": truth,
            "predictions": answers["predicted"].to_numpy(),
        }
    )
    found: pd.DataFrame = table.loc[np.isfinite(truth)]
    return found


def write_dreval(
    folder: Path, study: Study, screens: Screens, predicted: pd.DataFrame
) -> list[Path]:
    """Predictions in DrEval's folders and columns; files that were written."""
    written = []
    for (trained, fold), answers in predicted.groupby(["trained", "fold"], sort=False):
        for tested, values in screens.items():
            parts = [
                dreval_rows(study, values[drug], part, str(drug))
                for drug, part in answers.groupby("drug", sort=False)
                if drug in values
            ]
            own = folder / str(trained) / "LCO" / "Sidestep"
            path = (
                own / "predictions" / f"predictions_split_{fold}.csv"
                if trained == tested
                else own / "cross_study" / f"cross_study_{tested}_split_{fold}.csv"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            pd.concat(parts).to_csv(path, index=False)
            written.append(path)
    return written


if __name__ == "__main__":
    main()
