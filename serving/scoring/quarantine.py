"""Samples that cannot be scored are set apart, each with the reason, so that the rest can be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from sidestep.models.estimators.patterns import LEAST_SHARE, row_patterns

NO_MODALITY = (
    f"no modality of the model was measured (at least {LEAST_SHARE:.0%} of its features, of "
    "signatures one)"
)


def unusable(features: pd.DataFrame) -> dict[str, str]:
    """Samples whose features cannot be predicted from.

    Parameters
    ----------
    features : DataFrame of shape (n_samples, n_features)
        As `PanelPredictor.features` returns; NaN where not measured.

    Returns
    -------
    dict of str to str
        Sample -> reason: an infinite feature, or no modality measured, for which the prediction
        would be the base value, which any sample has.
    """
    values = features.to_numpy(float)
    infinite = np.isinf(values)
    reasons = {}
    for sample, row in zip(features.index, infinite, strict=True):
        if row.any():
            first = features.columns[int(row.argmax())]
            reasons[str(sample)] = f"{int(row.sum())} infinite feature(s), {first} among them"
    for sample, pattern in zip(features.index, row_patterns(features), strict=True):
        if not pattern:
            reasons.setdefault(str(sample), NO_MODALITY)
    return reasons


def not_finite(scores: pa.Table, explanations: pa.Table) -> dict[str, str]:
    """Samples for which the model gave something else than a finite number.

    Parameters
    ----------
    scores : pyarrow.Table
        With the columns of `models.score_columns.SCORES`. `prediction` and `base_value` have to
        be finite; other numbers may be missing.
    explanations : pyarrow.Table
        With the columns of `serving.scoring.explanations.EXPLANATIONS`. `contribution` has to be
        finite.

    Returns
    -------
    dict of str to str
        Sample -> reason, which names the first such number.
    """
    numbers = [part.name for part in scores.schema if pa.types.is_floating(part.type)]
    checked = [(scores, name, True) for name in ("prediction", "base_value")]
    checked += [(scores, name, False) for name in numbers]
    checked.append((explanations, "contribution", True))
    reasons: dict[str, str] = {}
    for table, name, needed in checked:
        values = table[name].to_numpy()
        for row in np.flatnonzero(~np.isfinite(values) if needed else np.isinf(values)):
            sample, drug = table["sample_id"][row].as_py(), table["drug"][row].as_py()
            reasons.setdefault(sample, f"{name} for {drug} is not finite ({values[row]})")
    return reasons


def failed(failure: Exception) -> str:
    """Why a sample is set apart at which the model gave up with an error."""
    message = str(failure).partition("\n")[0]
    return f"could not be predicted ({type(failure).__name__}{': ' if message else ''}{message})"
