"""How is a model looked up in MLflow while this process does something else?

MLflow takes two seconds to import and to ask, as long as it takes to import and read all else that
scoring needs. A process of its own does it meanwhile on another core. It is never killed: MLflow
may be bringing a database up to date.
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
from threading import Thread
from typing import Self

from sidestep.features.errors import InputError
from sidestep.models.registry.databases import is_database
from sidestep.models.registry.files import (
    ModelFiles,
    kept_by_mlflow,
    registered_files,
    resolve_tracking_uri,
)

# Of this program, whatever lies in the working folder.
_COMMAND = [sys.executable, "-P", "-m", "sidestep.models.registry.look_up_ahead"]
# Before the answer, in case something else is printed.
_MARK = "sidestep-model: "


class LookUpAhead(AbstractContextManager["LookUpAhead"]):
    """Looks for the files of a model as long as its context is open.

    Parameters
    ----------
    uri, tracking_uri
        As for `models.registry.files.registered_files`; of another model nothing is looked up.
    """

    def __init__(self, uri: str, tracking_uri: str | None) -> None:
        self._asked = (uri, tracking_uri)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if kept_by_mlflow(self._asked[0]) and _pays():
            with suppress(OSError):  # then it is looked up when it is needed
                self._process = subprocess.Popen(
                    _COMMAND,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,  # what interrupts this process is not for that one
                )
                # An address may hold a password, so it is not on the process's command line.
                print(json.dumps(self._asked), file=self._process.stdin, flush=True)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process is not None:
            for pipe in filter(None, (self._process.stdin, self._process.stdout)):
                with suppress(OSError):
                    pipe.close()  # which it takes for its end
            Thread(target=self._process.wait, daemon=True).start()

    @property
    def looking(self) -> bool:
        """Whether the files are being looked for, or were."""
        return self._process is not None

    def found(self) -> ModelFiles | None:
        """The files, which stay until the context is closed; waits for them.

        None if nothing was looked up, or the process came to no end: whoever needs them then has
        to look.

        Raises
        ------
        InputError
            As `models.registry.files.registered_files`.
        """
        if self._process is None or self._process.stdout is None:
            return None
        for line in self._process.stdout:
            if line.startswith(_MARK):
                told = json.loads(line.removeprefix(_MARK))
                if "refused" in told:
                    raise InputError(told["refused"])
                return ModelFiles(Path(told.pop("folder")), **told)
        return None


def _pays() -> bool:
    """Whether another process is of use: there is a core for it, and this one has no MLflow."""
    if "mlflow" in sys.modules:
        return False
    from joblib import cpu_count

    return int(cpu_count()) > 1


def main() -> None:
    """Answer what another process asks, and keep what was fetched until that one closes stdin."""
    gc.disable()  # it imports, answers, and is gone
    uri, tracking_uri = json.loads(sys.stdin.readline())
    with TemporaryDirectory(prefix="sidestep-model-", ignore_cleanup_errors=True) as folder:
        looking = Thread(target=_answer, args=(uri, tracking_uri, Path(folder)), daemon=True)
        looking.start()
        sys.stdin.read()
        if is_database(resolve_tracking_uri(tracking_uri)):  # left in whole steps
            looking.join()
    os._exit(0)  # whatever still waits for an answer


def _answer(uri: str, tracking_uri: str | None, into: Path) -> None:
    """Look a model up, and print where it is or why not."""
    try:
        files = registered_files(uri, tracking_uri, into)
        answer = {**asdict(files), "folder": str(files.folder)}
    except InputError as error:
        answer = {"refused": str(error)}
    except BaseException:
        os.close(sys.stdout.fileno())  # there will be no answer
        raise
    with suppress(OSError):  # nobody may want to know any more
        print(_MARK + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
