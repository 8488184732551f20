"""Cohorts on disk: one JSON file each in ``references/`` beside the predictor's own files.

They are no part of the model's digest, so that a version can be given one later. Each file holds
the checksum of its content and the digest of the model that it was made with.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from sidestep.features.builders.joiner import FeatureJoiner
from sidestep.features.errors import InputError
from sidestep.features.files.owned import plain_bytes
from sidestep.features.files.whole import write_whole
from sidestep.models.predictor.cohort import LINES, TumourCohort
from sidestep.models.predictor.predictor import PanelPredictor

#: Folder of the cohorts among a predictor's files.
COHORTS: Final = "references"
_FORMAT = 1
_LARGEST = 256 * 2**20
_HEAD, _COHORT = "sha256", '"cohort": '
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_cohort_name(name: str) -> str:
    """The name itself, if a cohort can have it.

    Raises
    ------
    InputError
        If it is `LINES`, or no letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name) or name.casefold() == LINES:
        raise InputError(
            f"a reference cannot be named {name!r}; give --name up to 64 letters, digits, '.', '_' "
            f"or '-', and another name than {LINES}"
        )
    return name


def cohort_file(name: str) -> str:
    """Name of a cohort's file in `COHORTS`."""
    return f"{check_cohort_name(name)}.json"


def write_cohort(cohort: TumourCohort, folder: Path) -> str:
    """Write a cohort into a folder, which is made, and return the digest (sha256) of its file.

    An earlier cohort of that name is replaced, whole or not at all.
    """
    content = json.dumps(cohort.get_state(), allow_nan=False)
    digest = hashlib.sha256(content.encode()).hexdigest()
    head = json.dumps({"format": _FORMAT, _HEAD: digest}).removesuffix("}")
    text = f"{head}, {_COHORT}{content}}}"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / cohort_file(cohort.name), text.encode())
    return hashlib.sha256(text.encode()).hexdigest()


def read_cohorts(
    data: Path, predictor: PanelPredictor, model: str, recorded: Mapping[str, str] | None = None
) -> dict[str, TumourCohort]:
    """Cohorts that lie beside a predictor, by name. No code is run.

    Parameters
    ----------
    data : Path
        Folder of the predictor's files.
    predictor : PanelPredictor
    model : str
        Its digest.
    recorded : mapping of str to str, optional
        Name -> digest that the registry keeps, of all that there should be. A file that nobody
        recorded is not read then.

    Raises
    ------
    InputError
        If a file is damaged, was made with another model, or is not what was recorded.
    """
    paths = {path.stem: path for path in sorted((data / COHORTS).glob("*.json"))}
    missing = sorted(set(recorded or ()) - set(paths))
    if missing:
        raise InputError(
            f"reference {missing[0]} of the model is recorded, but {data / COHORTS} does not hold "
            "it; restore the file, or make it again with sidestep reference --replace"
        )
    found = {}
    for name, path in paths.items():
        if recorded is not None and name not in recorded:
            continue
        try:
            content = plain_bytes(path, _LARGEST)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise InputError(
                f"reference {path} cannot be read ({why}); restore it, or move it away"
            ) from None
        if recorded is not None and recorded[name] != hashlib.sha256(content).hexdigest():
            raise InputError(
                f"reference {path} is not the one that was recorded with the model version; "
                "restore it, or make it again with sidestep reference --replace"
            )
        found[name] = _cohort(path, content, predictor, model)
    return found


def _cohort(path: Path, content: bytes, predictor: PanelPredictor, model: str) -> TumourCohort:
    """Cohort of one file."""
    again = "make it again with sidestep reference --replace, or move the file away"
    try:
        text = content.decode()
        state = json.loads(text)
        described = text.partition(_COHORT)[2].removesuffix("}")
        if hashlib.sha256(described.encode()).hexdigest() != state[_HEAD]:
            raise ValueError("it does not hold what was saved")
        if state["format"] != _FORMAT:
            raise ValueError(f"it has format {state['format']}, not {_FORMAT}")
        cohort = TumourCohort.from_state(state["cohort"])
        if cohort.name != path.stem:
            raise ValueError(f"it holds {cohort.name}")
        if cohort.model == model:
            _require_sound(cohort, predictor)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(f"reference {path} is damaged ({what}); {again}") from None
    if cohort.model != model:
        raise InputError(
            f"reference {path} was made with another model (its digest is {cohort.model[:12]}…, "
            f"this one's {model[:12]}…); {again}"
        )
    return cohort


def _require_sound(cohort: TumourCohort, predictor: PanelPredictor) -> None:
    """Refuse numbers that the model could not have made, whatever the checksum says."""
    joiners: dict[int | None, FeatureJoiner] = {None: predictor.joiner}
    joiners.update(predictor.fold_joiners.items())
    shifts: dict[int | None, np.ndarray] = {None: cohort.shift}
    shifts.update(cohort.fold_shifts.items())
    for number in joiners.keys() | shifts.keys():
        if shifts[number].shape != (len(joiners[number].get_feature_names_out()),):
            raise ValueError("a shift is not of the model's features")
        if np.isinf(shifts[number]).any():
            raise ValueError("a shift is not finite")
    for drug, standings in cohort.standings.items():
        for pattern, standing in standings.items():
            if pattern not in predictor.drugs[drug].errors:
                raise ValueError(f"{drug} has no model of {' '.join(pattern)}")
            for values in (standing.predictions, standing.distances):
                if not len(values) or not np.isfinite(values).all() or (np.diff(values) < 0).any():
                    raise ValueError(f"{drug} has no distribution")
