"""A training whose store fails at its end is not lost: the model is saved in a folder beside."""

from __future__ import annotations

import shlex
import tempfile
import textwrap
import time
from pathlib import Path

from sidestep.features.errors import InputError
from sidestep.features.files.whole import folder_beside, put_in_place
from sidestep.models.predictor.storage import save_predictor
from sidestep.models.registry.databases import without_password
from sidestep.training.reports.model_card import CARD_FILE, model_card
from sidestep.training.retrain import Retrain


def keep_beside(
    retrain: Retrain, tracking_uri: str, register_as: str | None, failure: Exception
) -> InputError:
    """Save the model in a new folder, and word what to do with it.

    The folder, ``sidestep-unkept-TIME`` in the working folder or else among the temporary files,
    holds the predictor, its card, and the held-out predictions and metrics.

    Parameters
    ----------
    retrain : Retrain
    tracking_uri : str
        Of the store that could not keep it.
    register_as : str, optional
        The name that was asked for.
    failure : Exception
        Why.

    Returns
    -------
    InputError
        To be raised: what failed, where the model is, how to score with it and how to register it.
    """
    store = without_password(tracking_uri)
    words = " ".join(without_password(str(failure)).split()) or type(failure).__name__
    reason = textwrap.shorten(words, 200, placeholder=" …")
    what = f"the training is done, but {store} could not keep it ({reason})"
    folder = _saved(retrain)
    if folder is None:
        return InputError(f"{what}, nor could a folder here; make room and train again")
    score = f"sidestep score STUDY --model {shlex.quote(str(folder))}"
    name = register_as or "NAME"
    code = (
        f"import mlflow; mlflow.set_tracking_uri({store!r}); "
        f"mlflow.register_model({folder.as_uri()!r}, {name!r})"
    )
    return InputError(
        f"{what}; the model is saved in {folder}: score with it by `{score}`, or register it, once "
        f"the store is mended, by `python -c {shlex.quote(code)}`, and score with --trust"
    )


def _saved(retrain: Retrain) -> Path | None:
    """The folder that the model is saved in; None where none can be written."""
    name = f"sidestep-unkept-{time.strftime('%Y%m%d-%H%M%S')}"
    for place in (Path.cwd(), Path(tempfile.gettempdir())):
        path = place / name
        try:
            with folder_beside(path) as work:
                whole = work / "model"
                save_predictor(retrain.predictor, whole)
                (whole / CARD_FILE).write_text(model_card(retrain), encoding="utf-8")
                retrain.validation.predictions.to_parquet(
                    whole / "out_of_fold.parquet", index=False
                )
                retrain.metrics.to_parquet(whole / "metrics.parquet", index=False)
                put_in_place(whole, path)
        except OSError:
            continue
        return path
    return None
