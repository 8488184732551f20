"""Damaged files of a saved model are refused in one sentence, whatever reading them raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sidestep.features.errors import InputError

# json, unicode and numpy raise kinds of ValueError; JSON that is nested too deep, RecursionError.
_DAMAGE = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    EOFError,
)


class DamagedModelError(InputError):
    """A saved model's files are damaged: a fault of no sample."""


@contextmanager
def refusing_damage(where: str) -> Iterator[None]:
    """Refuse what was read, in one sentence, where the block comes upon damage.

    Parameters
    ----------
    where : str
        Folder or part that is read.

    Raises
    ------
    DamagedModelError
    """
    try:
        yield
    except InputError:
        raise
    except _DAMAGE as error:
        what = str(error).partition("\n")[0] or type(error).__name__
        raise DamagedModelError(
            f"{where}: the model's files are damaged ({what}); train or fetch it again"
        ) from None
