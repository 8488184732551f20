"""Errors that a user can mend: one sentence each, with its place in the study's files.

An `InputError` stops the work; `Findings` gather what does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral


class InputError(ValueError):
    """A mistake in what the user gave, that the user can mend.

    The message is one sentence that names the file, the row or column, the value, and the fix.
    The command line prints it on standard error and exits with `exit_code`.
    """

    exit_code = 2


class DiskError(InputError):
    """What a disk caused: once that is mended, the same command may end well.

    Its class says so, since causes do not travel with an error from one process to another.
    """


def require_at_least(**given: tuple[object, int]) -> None:
    """Refuse an argument that is no whole number, or below its least value.

    Parameters
    ----------
    **given : tuple of (object, int)
        Each argument's value and the least that it may have.

    Raises
    ------
    InputError
    """
    for name, (value, least) in given.items():
        if not isinstance(value, Integral):
            raise InputError(f"{name} is {value!r}; give a whole number, at least {least}")
        if value < least:
            raise InputError(f"{name} is {value}; give at least {least}")


def comes_again(error: BaseException | None) -> bool:
    """Whether the same command would end in the same error: a mistake that no disk caused."""
    if not isinstance(error, InputError):
        return False
    return not isinstance(error, DiskError) and not isinstance(error.__cause__, OSError)


@dataclass(frozen=True)
class Problem:
    """One finding about a study's files.

    Attributes
    ----------
    severity : str
        ``"error"`` (the file cannot be used), ``"warning"`` (used, but look at it) or ``"note"``
        (a choice that the reader made).
    file : str
        File name, relative to the study folder; empty where no file is meant.
    row : str
        Line number and what the line is about, e.g. ``"line 12 (ERBB2)"``; empty where none.
    column : str
        Column name; empty where none.
    message : str
        One sentence; it stands alone, without the other fields.
    """

    severity: str
    file: str
    row: str
    column: str
    message: str


class StudyError(InputError):
    """An input error that knows its place in the study's files.

    The message is that of the first problem; `problems` holds all that the same step found, so
    that ``sidestep check`` can list them.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


def study_error(message: str, file: str = "", row: str = "", column: str = "") -> StudyError:
    """A `StudyError` with a single problem."""
    return StudyError([Problem("error", file, row, column, message)])


class Findings(list[Problem]):
    """Warnings and notes gathered while a study is read."""

    def warn(self, message: str, file: str = "", row: str = "", column: str = "") -> None:
        """Add what the user should look at."""
        self.append(Problem("warning", file, row, column, message))

    def note(self, message: str, file: str = "", row: str = "", column: str = "") -> None:
        """Add a choice that the reader made."""
        self.append(Problem("note", file, row, column, message))


def some(names: Sequence[str], most: int = 5) -> str:
    """Name the first few and count the rest: ``"A, B, C and 4 more"``."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
