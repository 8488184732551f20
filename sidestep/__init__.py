"""Sidestep: which tumours and cell lines will sidestep a drug, and why, sample by sample.

The Python interface is what `__all__` names; each name is imported when it is first used, so that
``import sidestep`` takes no time. `docs/api.md` describes all of them.

Examples
--------
>>> import sidestep
>>> study = sidestep.simulate(lines=40, genes=150)
>>> trained = sidestep.train(study, drugs=["Lapatinib"], trials=0, folds=3, repeats=1, jobs=1)
>>> scores = sidestep.score(study, trained)
>>> scores.scores[["sample_id", "drug", "prediction", "call"]].shape
(40, 4)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidestep.api import (
        cells,
        combine,
        evaluate,
        explain,
        labels,
        pairs,
        reference,
        score,
        screen_survival,
        simulate,
        train,
    )
    from sidestep.features.study.check import check_study
    from sidestep.features.study.study import Study, read_study
    from sidestep.models.registry.load import load_model

__version__ = "0.1.0"
__all__ = [
    "Study",
    "__version__",
    "cells",
    "check_study",
    "combine",
    "evaluate",
    "explain",
    "labels",
    "load_model",
    "pairs",
    "read_study",
    "reference",
    "score",
    "screen_survival",
    "simulate",
    "train",
]

# Name -> module that has it. A registered model brings this file along, with
# features, models and serving, and nothing else.
_MODULES = {
    "Study": "sidestep.features.study.study",
    "cells": "sidestep.api",
    "check_study": "sidestep.features.study.check",
    "combine": "sidestep.api",
    "evaluate": "sidestep.api",
    "explain": "sidestep.api",
    "labels": "sidestep.api",
    "load_model": "sidestep.models.registry.load",
    "pairs": "sidestep.api",
    "read_study": "sidestep.features.study.study",
    "reference": "sidestep.api",
    "score": "sidestep.api",
    "screen_survival": "sidestep.api",
    "simulate": "sidestep.api",
    "train": "sidestep.api",
}


def __getattr__(name: str) -> Any:
    """Import what `name` means, once."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    """The names of the interface."""
    return list(__all__)
