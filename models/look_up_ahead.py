"""How is a model looked up in MLflow while this process does something else?

MLflow takes two seconds to import and to ask, as long as it takes to import and read all else that
scoring needs. A process of its own does it meanwhile on another core.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from features.errors import InputError
from models.registered_files import ModelFiles, kept_by_mlflow, registered_files

# Of this program, whatever lies in the working folder.
_COMMAND = [sys.executable, "-P", "-m", "models.look_up_ahead"]


class LookUpAhead(AbstractContextManager["LookUpAhead"]):
    """Looks for the files of a model as long as its context is open.

    Parameters
    ----------
    uri, tracking_uri
        As for `models.registered_files.registered_files`; of another model nothing is looked up.
    """

    def __init__(self, uri: str, tracking_uri: str | None) -> None:
        self._asked = [uri, tracking_uri]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if kept_by_mlflow(str(self._asked[0])) and _pays():
            self._folder = TemporaryDirectory(prefix="sidestep-model-")
            self._process = subprocess.Popen(
                _COMMAND,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            # An address may hold a password, so it is not on the process's command line.
            _tell(self._process, [*self._asked, self._folder.name])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.__exit__(None, None, None)  # waits for its end and closes its pipes
            self._folder.cleanup()

    @property
    def looking(self) -> bool:
        """Whether the files are not found yet."""
        return self._process is not None and self._process.poll() is None

    def found(self) -> ModelFiles | None:
        """The files, which stay until the context is closed; waits for them.

        None if nothing was looked up, or the process came to no end: whoever needs them then has
        to look.

        Raises
        ------
        InputError
            As `models.registered_files.registered_files`.
        """
        if self._process is None or self._process.stdout is None:
            return None
        answer = self._process.stdout.readline()  # not until its end: that takes a while as well
        if not answer:
            return None
        told = json.loads(answer)
        if "refused" in told:
            raise InputError(told["refused"])
        return ModelFiles(Path(told.pop("folder")), **told)


def _tell(process: subprocess.Popen[str], asked: list[str | None]) -> None:
    """Send a process what it is asked; if it is gone already, nothing will come back."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked))
            process.stdin.close()


def _pays() -> bool:
    """Whether another process is of use: there is a core for it, and this one has no MLflow."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return "mlflow" not in sys.modules and (cores or 1) > 1


def main() -> None:
    """Answer what the process that started this one asks."""
    gc.disable()  # it imports, answers, and is gone
    uri, tracking_uri, into = json.load(sys.stdin)
    try:
        files = registered_files(uri, tracking_uri, Path(into))
        answer = {**asdict(files), "folder": str(files.folder)}
    except InputError as error:
        answer = {"refused": str(error)}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
