"""What an SQLite registry on this machine says of a version, read without importing MLflow.

To import MLflow and its database layer takes longer than all else that scoring a few samples does.
A file that is not exactly as known here answers nothing, and MLflow is asked instead.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_PREFIX = "sqlite:///"
#: MLflow keeps models of several teams in one file only where this is set.
_WORKSPACE = "MLFLOW_WORKSPACE"
_READY = "READY"
_DELETED = "Deleted_Internal"
_SECONDS_TO_WAIT = 1.0
_VERSION = (
    "SELECT coalesce(nullif(storage_location, ''), source) FROM model_versions "
    "WHERE name = ? AND version = ? AND status = ? AND current_stage != ?"
)
_ALIAS = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
_TAGS = "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ?"


@dataclass(frozen=True)
class KeptVersion:
    """A registered version.

    Attributes
    ----------
    version : str
    source : str
        Address of its files.
    tags : mapping of str to str
    """

    version: str
    source: str
    tags: Mapping[str, str]


def kept_version(
    store: str, name: str, *, version: str | None = None, alias: str | None = None
) -> KeptVersion | None:
    """The version of that number or alias, or None if MLflow has to be asked.

    Parameters
    ----------
    store : str
        Address of the registry; only ``sqlite:///PATH`` of a file that is there can answer.
    name : str
        Registered name.
    version, alias : str, optional
        One of the two.

    Returns
    -------
    KeptVersion or None
        None too for what is not there: MLflow then says what is missing.
    """
    path = _file(store)
    if path is None or _WORKSPACE in os.environ:
        return None
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_SECONDS_TO_WAIT)
        ) as database:
            if alias is not None:
                # One row: else the file keeps models of several teams.
                ((number,),) = database.execute(_ALIAS, (name, alias)).fetchall()
            else:
                number = int(version or "")
            ((source,),) = database.execute(_VERSION, (name, number, _READY, _DELETED)).fetchall()
            tags = {
                str(key): str(value or "") for key, value in database.execute(_TAGS, (name, number))
            }
    except (sqlite3.Error, ValueError):
        return None
    return KeptVersion(str(number), source, tags) if isinstance(source, str) else None


def _file(store: str) -> Path | None:
    """The file of an address that names one plainly."""
    path = store.removeprefix(_PREFIX)
    if not store.startswith(_PREFIX) or not path or any(sign in path for sign in "?#%:"):
        return None
    return Path(path).absolute() if Path(path).is_file() else None
