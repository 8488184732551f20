"""How a model may be named, checked before anything is loaded or MLflow is asked."""

from __future__ import annotations

import re
from pathlib import Path

from sidestep.features.errors import InputError

_NAME = r"[^/:@\\\x00-\x1f\x7f]+"
_ALIAS = r"[\w.-]+"
_REGISTERED = re.compile(rf"models:/(?P<name>{_NAME})(@{_ALIAS}|/[1-9]\d*)")
_UNVERSIONED = re.compile(rf"models:/({_NAME})")
_OF_RUN = re.compile(r"runs:/[\w-]+/[^\x00-\x1f\x7f]+")
_ALONE = re.compile(rf"(?![.~])({_NAME})(@{_ALIAS}|/[1-9]\d*)?")


def model_address(given: str | Path) -> str:
    """The address that a model's name means: one of MLflow's, or a folder.

    A folder that is there is that folder. Else ``NAME`` is ``models:/NAME@champion``,
    ``NAME@ALIAS`` is ``models:/NAME@ALIAS`` and ``NAME/3`` is ``models:/NAME/3``.

    Raises
    ------
    InputError
        If it can be none of these.

    Examples
    --------
    >>> model_address("her2-breast"), model_address("her2-breast/3")
    ('models:/her2-breast@champion', 'models:/her2-breast/3')
    """
    text = str(given)
    shown = repr(text) if text != text.strip() or not text.isprintable() else text
    if not text.strip() or not text.isprintable():
        raise InputError(
            f"model {text!r} is no name; give a registered name, models:/NAME@champion, or a folder"
        )
    if text.startswith("models:"):
        if unversioned := _UNVERSIONED.fullmatch(text):
            raise InputError(
                f"model {shown} names no version; write models:/{unversioned[1]}@champion"
            )
        if not _REGISTERED.fullmatch(text):
            raise InputError(
                f"model {shown} is no address; write models:/NAME@champion or models:/NAME/3, "
                "where NAME has no '/', ':' or '@' and a version is a number"
            )
        return text
    if text.startswith("runs:"):
        if not _OF_RUN.fullmatch(text):
            raise InputError(f"model {shown} is no address; write runs:/RUN_ID/model")
        return text
    if "://" in text:
        raise InputError(
            f"model {shown} is an address of another kind; give models:/NAME@champion, "
            "runs:/RUN_ID/model or a folder"
        )
    if Path(text).is_dir():
        return text
    alone = _ALONE.fullmatch(text)
    if alone is None:
        return text
    return f"models:/{alone[1]}{alone[2] or '@champion'}"
