"""Libraries that only some users need, and what to install where one of them is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sidestep.features.errors import InputError


@contextmanager
def needed(library: str, what: str, module: str = "") -> Iterator[None]:
    """A block that imports a library which may not be installed.

    Parameters
    ----------
    library : str
        As `pip` knows it.
    what : str
        What needs it, such as ``"screen"``.
    module : str
        Its top-level module, where that has another name.

    Raises
    ------
    InputError
        If the library is missing; any other missing module is an error as it is.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] != (module or library):
            raise
        raise InputError(
            f"{what} needs {library}, which is not installed; run pip install {library}"
        ) from missing
