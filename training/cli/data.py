"""The verb `data`: fetch public data, and bring studies into folders.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.exporting import export
from sidestep.training.cli.importing import import_

if TYPE_CHECKING:
    from sidestep.features.downloads.fetch import Fetched


@click.group()
def data() -> None:
    """Fetch public data, and bring studies into folders that the other verbs read."""


@data.command("list", short_help="Name the public data that can be fetched.")
def list_() -> None:
    """Name what `data fetch` knows: what it holds, its licence, its publication, how it is checked.

    Any other study of cBioPortal goes by its id, such as brca_igr_2015. No address could be opened
    where the catalogue was made: they are those that the makers publish.
    """
    from sidestep.features.downloads.catalogue import DOWNLOAD_TABLE

    for entry in DOWNLOAD_TABLE.load().values():
        size = f", {entry.size}" if entry.size else ""
        click.echo(f"{entry.name} ({entry.kind}{size}): {entry.holds}")
        click.echo(f"  from     {entry.address or 'no address that Sidestep can read'}")
        click.echo(f"  checked  {_CHECKS.get(entry.check, entry.check)}")
        click.echo(f"  licence  {entry.license}, {entry.license_address}")
        click.echo(f"  cite     {entry.source}")


#: How a download is checked, in words.
_CHECKS = {
    "": "by its size",
    "archive": "by its size and form, and by the archive's own checksums where it is unpacked",
    "listing": "by the MD5 in its release's list of files",
}


@data.command(short_help="Fetch public data by name.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for studies and tables; databases go where `score` looks.  [default: this one]",
)
@click.option(
    "--from",
    "origin",
    default="",
    metavar="DIR|URL",
    help="Take the files from a folder or a mirror instead of their makers.",
)
@click.option("--accept", is_flag=True, help="Accept the licences that are shown; needed once.")
@click.option("--offline", is_flag=True, help="Ask no server: use what was fetched before.")
@click.option("--refresh", is_flag=True, help="Fetch anew what was fetched before.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def fetch(
    names: tuple[str, ...],
    out: Path,
    origin: str,
    accept: bool,
    offline: bool,
    refresh: bool,
    quiet: bool,
) -> None:
    """Fetch data sets by the names that `data list` has, or studies of cBioPortal by their id.

    What breaks off is gone on with, what was fetched is kept in your cache, and nothing is left
    half-written. Addresses are https alone.
    """
    from sidestep.features.downloads.catalogue import find_entries
    from sidestep.features.downloads.fetch import FetchOptions
    from sidestep.features.downloads.fetch import fetch as fetched
    from sidestep.features.downloads.licences import require_accepted
    from sidestep.features.progress import Reporter, percent

    entries = find_entries(names)
    require_accepted(entries, accept=accept)
    options = FetchOptions(out=out, origin=origin, offline=offline, refresh=refresh)
    with Reporter(quiet=quiet) as reporter:
        for entry in entries:
            told = percent(reporter, f"fetching {entry.name}")
            lines = _fetched(fetched(entry, options, told, reporter.say))
            reporter.rest()
            for line in lines:
                click.echo(line)


def _fetched(done: Fetched) -> Iterator[str]:
    from sidestep.features.files.limits import readable_size

    entry = done.entry
    origin = f"the cache (first from {done.origin})" if done.cached else done.origin
    yield f"{entry.name}: {done.path}, {readable_size(done.size)} from {origin}"
    yield f"  checked  {done.checked}; sha256 {done.sha256}"
    yield f"  licence  {entry.license}, {entry.license_address}"
    yield f"  cite     {entry.source}"


@data.command(short_help="Join studies by their samples.")
@click.argument("studies", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The new study folder.")
@click.option("--id", "study_id", default="", help="Its identifier.  [default: the folder's name]")
@click.option("--name", default="", help="Its name.  [default: its identifier]")
@click.option(
    "--stack",
    is_flag=True,
    help="Take levels (RNA, proteins, copy number) of several studies into one table.",
)
@click.option(
    "--replicates",
    type=click.Choice(["keep", "average"]),
    default="keep",
    show_default=True,
    help="A drug in several columns of a screen, and values that two copies of a screen have "
    "differently: keep the columns and the first study's values, or take the mean.",
)
@click.option(
    "--cellosaurus",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Cellosaurus' file, for more names and relatives of lines.  [default: cellosaurus.txt "
    "where `data fetch` keeps databases, if it is there]",
)
@lines_at_the_end("merging the studies")
def merge(
    studies: tuple[Path, ...],
    out: Path,
    study_id: str,
    name: str,
    stack: bool,
    replicates: str,
    cellosaurus: Path | None,
) -> Iterator[str]:
    """Join STUDIES by their samples: modalities side by side, screens as responses of their own.

    Samples are one whose names, known synonyms, or other names in the clinical files are the same
    but for case, punctuation and the tissue that CCLE puts behind them; lines of one person share
    a donor. Where two studies contradict, the first is believed. The new folder's merge/*.tsv say
    what samples, drugs, antibodies and lineages were taken for, what was not known, and every
    conflict.
    """
    from sidestep.features.downloads.places import knowledge_folder
    from sidestep.features.files.study_writer import require_free, write_study
    from sidestep.features.merging.drafts import merged_draft
    from sidestep.features.merging.merge import merge_studies
    from sidestep.features.study.study import read_study
    from sidestep.features.vocabulary.cellosaurus import FILE_NAME, read_cellosaurus

    require_free(out)
    identifier = study_id or out.resolve().name
    fetched = knowledge_folder() / FILE_NAME
    database = cellosaurus or (fetched if fetched.is_file() else None)
    merged = merge_studies(
        [read_study(path) for path in studies],
        identifier,
        name,
        stack=stack,
        replicates=replicates,
        cellosaurus=None if database is None else read_cellosaurus(database),
    )
    write_study(out, merged_draft(merged))
    yield from merged.told
    conflicts = len(merged.conflicts)
    yield (
        f"Merged into {out}: {len(merged.study.samples):,} samples of "
        f"{merged.study.donors.nunique():,} donors; {conflicts:,} conflicts"
        + (" (merge/conflicts.tsv)" if conflicts else "")
    )
    yield f"Next: sidestep check {out}"


data.add_command(import_)
data.add_command(export)
