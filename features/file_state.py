"""A file that is read more than once: is it still what it was?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from features.problems import StudyError, study_error


@dataclass(frozen=True)
class FileState:
    """What tells, without reading it, that a file was written to: its place, size and time.

    Attributes
    ----------
    path : pathlib.Path
    name : str
        File name for messages.
    inode, size, time : int
        The time is that of the last change, in nanoseconds.
    """

    path: Path
    name: str
    inode: int
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, name: str) -> Self:
        """The file as it is now.

        Raises
        ------
        OSError
            Here and below: if the file is gone.
        """
        found = os.stat(path)
        return cls(path, name, found.st_ino, found.st_size, found.st_mtime_ns)

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """A block that reads the file, which must be as it was, from its begin to its end.

        Raises
        ------
        StudyError
            If it is not; also where the block fails, since that is then why.
        """
        self._require()
        try:
            yield
        except Exception:
            self._require()
            raise
        self._require()

    def _require(self) -> None:
        if type(self).of(self.path, self.name) != self:
            raise changed(self.name)


def changed(name: str) -> StudyError:
    """What is said of a file that is not what it was."""
    return study_error(f"{name} changed while it was read; try again when it is finished.", name)
