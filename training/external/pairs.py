"""Lines and drugs of another study with what was measured there and what a model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sidestep.features.errors import InputError, some
from sidestep.features.knowledge.drugs import both_names, standard_name
from sidestep.features.study.responses import Response, columns_of
from sidestep.features.study.study import Study
from sidestep.models.estimators.patterns import Pattern, pattern_name, row_patterns
from sidestep.models.predictor.drug_model import DrugModel
from sidestep.models.predictor.known_lines import rows_by_fold
from sidestep.models.predictor.predictor import PanelPredictor, ResponseScale

#: The model of all lines, where the number of a fold stands.
NEW = -1


@dataclass(frozen=True)
class Answers:
    """What a model says of some lines, each by the models that have not seen it.

    Attributes
    ----------
    samples : Index
    folds : ndarray of int, shape (n_samples,)
        Fold of the cross-validation whose model answers; `NEW` for a line that is new.
    patterns : list of str
        Molecular modalities that each line has.
    tables : mapping of str to DataFrame
        Drug -> `sample_id, prediction, lower, upper, p_resistant, threshold, train_mean`, a row a
        sample; NaN where the model cannot answer.
    """

    samples: pd.Index
    folds: np.ndarray
    patterns: list[str]
    tables: dict[str, pd.DataFrame]


def answers(
    predictor: PanelPredictor,
    study: Study,
    drugs: Sequence[str],
    level: float,
    known_by: Study | None = None,
) -> Answers:
    """Ask a model about every line of a study.

    Parameters
    ----------
    predictor : PanelPredictor
    study : Study
    drugs : sequence of str
        Of the model.
    level : float
        Of the intervals.
    known_by : Study, optional
        The study by which training lines are recognised: that before `study` was changed.
    """
    features = _finite(predictor.features(study))
    original = study if known_by is None else known_by
    told = features if known_by is None else predictor.features(original)
    groups = rows_by_fold(predictor.known.find(original, told.loc[features.index]))
    in_groups = predictor.interval_groups(study, features)
    folds = np.full(len(features), NEW)
    parts: dict[str, list[pd.DataFrame]] = {drug: [] for drug in drugs}
    for fold, rows in groups.items():
        names = features.index[rows]
        part = study.select(list(names))
        whole, by_fold = features.iloc[rows], predictor.fold_features(part)
        if fold is not None:
            folds[rows] = fold
        for drug in drugs:
            who, its = predictor, whole
            # Of a drug that was tested on no line of their fold, the whole model has learned
            # nothing of these lines.
            if fold is not None and drug in predictor.unseen(fold).drugs:
                who, its = predictor.unseen(fold), _finite(by_fold[fold])
            parts[drug].append(_answer(who, who.drugs[drug], its, by_fold, level, in_groups[rows]))
    tables = {
        drug: pd.concat(some_).set_index("sample_id").loc[features.index].reset_index()
        for drug, some_ in parts.items()
    }
    patterns = [pattern_name(pattern) for pattern in row_patterns(features)]
    return Answers(features.index, folds, patterns, tables)


def _finite(features: pd.DataFrame) -> pd.DataFrame:
    """Features, and none of a sample with an infinite one: nothing of it is to be believed."""
    wrong = np.isinf(features.to_numpy(float)).any(axis=1)
    return features.mask(pd.Series(wrong, features.index), axis=0) if wrong.any() else features


def _answer(
    predictor: PanelPredictor,
    model: DrugModel,
    features: pd.DataFrame,
    fold_features: dict[int, pd.DataFrame],
    level: float,
    in_groups: np.ndarray,
) -> pd.DataFrame:
    """Answers on one drug, by one predictor."""
    predicted = predictor.predict(features, model)
    unanswered: list[bool] = [pattern is None for pattern in _chosen(model, features)]
    predicted[unanswered] = np.nan
    predictive = predictor.predictive(features, fold_features, model, in_groups)
    lower, upper = predictive.interval(level)
    threshold = predictor.threshold(model).value
    learned = np.isin(model.lines, model.learned_from)
    return pd.DataFrame(
        {
            "sample_id": features.index,
            "prediction": predicted,
            "lower": lower,
            "upper": upper,
            "p_resistant": predictive.p_resistant(threshold),
            "threshold": threshold,
            "train_mean": float(np.mean(model.observed[learned])),
        }
    )


def _chosen(model: DrugModel, features: pd.DataFrame) -> Sequence[Pattern | None]:
    return model.blend.chosen(features)


def same_scale(scale: ResponseScale, response: Response) -> bool:
    """Whether predictions and measured responses are in the same unit, with the same direction."""
    units = [" ".join(unit.split()).casefold() for unit in (scale.unit, response.unit)]
    return units[0] == units[1] and scale.higher_is_resistant == response.higher_is_resistant


def column_of(drug: str, response: Response) -> str | None:
    """Column of a response that means a drug of the model; the first of several, None if none."""
    return next(columns_of(drug, response), None)


def shared_drugs(
    predictor: PanelPredictor, response: Response, names: Sequence[str] | None
) -> dict[str, str]:
    """Drug of the model -> column of the response, of those asked for; of all that both have.

    Raises
    ------
    InputError
        If a drug that is asked for is not in the model or not in the response, or they have none
        in common.
    """
    found: dict[str, str] = {}
    for model in predictor.choose(names):
        column = column_of(model.name, response)
        if column is not None:
            found[model.name] = column
        elif names is not None:
            raise InputError(
                f"{both_names(model.name)} is not in response {response.stable_id}; it has "
                f"{some([str(name) for name in response.values.columns], 5)}"
            )
    if not found:
        models = [standard_name(model.name) for model in predictor.choose(None)]
        raise InputError(
            f"response {response.stable_id} has none of the model's drugs ({some(models, 5)}); "
            "give another --response, or another model"
        )
    return found


def paired(
    said: Answers,
    study: Study,
    response: Response,
    drugs: dict[str, str],
    *,
    higher_is_resistant: bool,
    new_only: bool = False,
) -> pd.DataFrame:
    """A row a line and drug with a measured response and an answer.

    Columns: those of `Answers.tables`, `drug`, `observed`, `donor`, `fold`, `known` (whether the
    model has learned from the line, or a sibling), `pattern`, and `toward` and `measured`:
    prediction and response with their sign turned so that higher is more resistant.
    """
    donors = study.donors.loc[said.samples].to_numpy(dtype=object)
    tables = []
    for drug, column in drugs.items():
        values = response.values[column]
        # A study made of frames may name a sample that has no molecular data.
        observed = values.reindex(said.samples).to_numpy(float)
        table = said.tables[drug].assign(
            drug=drug,
            observed=observed,
            donor=donors,
            fold=said.folds,
            known=said.folds != NEW,
            pattern=said.patterns,
        )
        tables.append(table)
    pairs = pd.concat(tables, ignore_index=True)
    pairs["toward"] = pairs["prediction"] * (1.0 if higher_is_resistant else -1.0)
    pairs["measured"] = pairs["observed"] * (1.0 if response.higher_is_resistant else -1.0)
    kept = pairs["observed"].notna() & pairs["prediction"].notna()
    if new_only:
        kept &= ~pairs["known"]
    found: pd.DataFrame = pairs[kept].reset_index(drop=True)
    return found
