"""What the saved state of one sub-model, ridge, trees and marker, must be.

A panel has thousands of them, each looked at when it is made, which is when it is first used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sidestep.models.saved import (
    LARGEST,
    Check,
    array,
    mapping,
    number,
    record,
    require,
    settings,
    whole,
)

_MOST_FEATURES = 2**24
_ENSEMBLE = record(
    n_features=whole(0, _MOST_FEATURES),
    roots=array("i4", "trees", low=0),
    left=array("i4", "nodes", low=-1),
    right=array("i4", "nodes", low=-1),
    feature=array("i4", "nodes", low=0),
    # A threshold may be any number in single precision.
    condition=array("f4", "nodes", low=-np.inf, high=np.inf),
    default_left=array("?", "nodes"),
    hessian=array("f4", "nodes", low=0),
    both_ways=array("?", "screened"),
)
_SUB_MODEL: Check = record(
    parameters=settings,
    weights_=array("f8", 3, low=0),
    mean_=number(),
    ridge_=record(
        parameters=settings,
        coef_=array("f4", "features"),
        means_=array("f4", "features"),
        intercept_=number(),
        view_weights_=mapping(number(gap=True)),
        penalty_=number(0),
        loo_error_=number(0),
        regimens_=array("i8", "regimens", low=0, distinct=True),
        offsets_=array("f8", "regimens"),
        deviations_=array("f4", "regimens", "features"),
        drugs_=array("i8", "drugs", low=0, distinct=True),
        gates_=array("?", "drugs", "features"),
        gated_=array("f4", "features"),
    ),
    trees_=record(
        parameters=settings,
        columns_=array("i8", "screened", low=0, distinct=True),
        offset_=number(),
        gains_=array("f8", "screened", low=0),
        ensemble_=_ENSEMBLE,
    ),
    marker_=record(
        parameters=settings,
        columns_=array("i8", "markers", low=0, distinct=True),
        uses_=array("f8", "markers", low=0),
        slope_=number(),
        centre_=number(),
        mean_=number(),
    ),
)


def require_sub_model(state: Any, where: str, n_features: int) -> None:
    """Refuse the state of a sub-model whose parts do not go together.

    Parameters
    ----------
    state : dict
        As `Blend.get_state` returned.
    where : str
        What it is called in the message.
    n_features : int
        Features that the sub-model sees.

    Raises
    ------
    UnsoundStateError
    """
    _SUB_MODEL(state, where, {"features": n_features})
    trees: Mapping[str, Any] = state["trees_"]
    ensemble = trees["ensemble_"]
    ridge = state["ridge_"]
    looked_at = (
        trees["columns_"], state["marker_"]["columns_"], ridge["regimens_"], ridge["drugs_"]
    )  # fmt: skip
    for columns in looked_at:
        inside = not len(columns) or columns.max() < n_features
        require(bool(inside), where, "looks at a feature that it does not have")
    sized = ensemble["n_features"] == len(trees["columns_"])
    require(sized, where, "has trees of other features than it keeps")
    leaves = ensemble["condition"][ensemble["left"] < 0]
    require(bool((np.abs(leaves) <= LARGEST).all()), where, "has a leaf that is out of range")
