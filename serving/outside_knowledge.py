"""Which larger databases does the evidence draw on? Read from a folder that a user names."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from features.errors import InputError
from serving.civic import CIVIC_FILE, read_civic


@dataclass(frozen=True)
class OutsideKnowledge:
    """Databases beside the tables of ``features/knowledge``; any may be missing.

    Attributes
    ----------
    civic : DataFrame or None
        As `serving.civic.read_civic` returns.
    digests : dict of str to str or None
        File of the knowledge folder -> its sha256; None where it is missing.
    """

    civic: pd.DataFrame | None
    digests: dict[str, str | None]

    @property
    def missing(self) -> list[str]:
        """Files that the folder lacks."""
        return [name for name, digest in self.digests.items() if digest is None]


#: No database at hand.
NO_KNOWLEDGE = OutsideKnowledge(None, {CIVIC_FILE: None})


def read_outside_knowledge(folder: Path | None) -> OutsideKnowledge:
    """Read what a knowledge folder holds.

    Parameters
    ----------
    folder : Path or None
        None is the folder ``sidestep/knowledge`` of the user's cache, if there is one.

    Raises
    ------
    InputError
        If a folder that was named does not exist, or a file in it cannot be read.
    """
    if folder is not None and not folder.is_dir():
        raise InputError(f"the knowledge folder {folder} does not exist; give another --knowledge")
    place = _cached() if folder is None else folder
    path = place / CIVIC_FILE
    if not path.is_file():
        return NO_KNOWLEDGE
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return OutsideKnowledge(read_civic(place), {CIVIC_FILE: digest})


def _cached() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sidestep" / "knowledge"
