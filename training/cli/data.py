"""The verb `data`: bring a study into a folder, with `data import`.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sidestep.features.archives.archive import Imported


@click.group()
def data() -> None:
    """Bring a study into a folder that the other verbs read."""


@data.command("import", short_help="Unpack a study's archive into a new folder.")
@click.argument("archive", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Show no progress.")
def import_(archive: Path, out: Path, quiet: bool) -> None:
    """Unpack ARCHIVE, a study as .tar.gz, .tgz, .tar or .zip, into the new folder OUT.

    The one folder at the archive's top, if there is one, becomes OUT. Whole or not at all: what
    is unsafe (names that lead out of OUT, links, files that overwrite each other), broken or out
    of measure is refused, and nothing is left behind.
    """
    from sidestep.features.archives.archive import import_archive
    from sidestep.features.progress import Reporter

    shown = -1
    with Reporter(quiet=quiet) as reporter:

        def progress(done: int, whole: int) -> None:
            nonlocal shown
            # Read to its end, it is still to be put in place: a log hears of long work only.
            percent = min(100 * done // max(whole, 1), 99)
            if percent > shown:
                shown = percent
                reporter("unpacking, percent", percent, 100)

        imported = import_archive(archive, out, progress)
    for line in _account(imported):
        click.echo(line)


def _account(imported: Imported) -> Iterator[str]:
    from sidestep.features.errors import some
    from sidestep.features.files.limits import readable_size

    study = (
        f"study {imported.study_id}" if imported.study_id else "a study without a name of its own"
    )
    yield (
        f"Imported {study} into {imported.folder}: {imported.files:,} files, "
        f"{readable_size(imported.size)}"
    )
    if imported.packed:
        yield f"Left packed: {some(imported.packed)}"
    if imported.left_out:
        yield f"Left out: {imported.left_out:,} file(s) that macOS adds to archives"
    yield f"Next: sidestep check {imported.folder}"
