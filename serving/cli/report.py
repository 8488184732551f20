"""`sidestep report`: scores drawn for people, as HTML or PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidestep.features.options import group_option, repeatable, where_option

if TYPE_CHECKING:
    from sidestep.serving.report.writing import View

# What takes a second to import is imported inside the function, so that --help answers at once.


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--sample", metavar="ID", help="Write one sample's page instead of the whole report.")
@where_option
@group_option
@repeatable(
    "--track",
    "tracks",
    metavar="her2|lineage|ATTRIBUTE",
    text="Attribute to show beside the heat map, to sort and filter by; those that tell the "
    "samples apart best by default. May be repeated.",
)
@click.option("--pdf", is_flag=True, help="With --sample: a print-ready A4 page as PDF.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --sample: where to write; DIR/report-ID.html or .pdf by default.",
)
def report(
    folder: Path,
    sample: str | None,
    where: tuple[str, ...],
    group: str | None,
    tracks: tuple[str, ...],
    pdf: bool,
    out: Path | None,
) -> None:
    """Draw the report of the scores in DIR, an output of sidestep score, anew.

    DIR/report.html is one file that opens from disk and needs no network; a large study gets
    report-2.html and so on beside it.
    """
    from sidestep.features.errors import InputError
    from sidestep.features.files.whole import reason_of
    from sidestep.features.progress import waiting

    if sample is None and (pdf or out is not None):
        option = "--pdf" if pdf else "--out"
        raise InputError(f"{option} is for a single sample; name it with --sample")
    if sample is not None and (where or group or tracks):
        option = "--where" if where else "--group" if group else "--track"
        raise InputError(f"{option} is for the report of all samples; leave --sample out")
    try:
        with waiting("drawing the report"):
            from sidestep.serving.report.writing import View

            written = _write(folder, sample, pdf, out, View(where, group or None, tracks))
    except OSError as failure:
        raise InputError(
            f"the report on {folder} cannot be written ({reason_of(failure)}); make room or choose "
            "a place that you can write to"
        ) from failure
    for path in written:
        click.echo(f"Written: {path} ({_size(path)})")


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _write(folder: Path, sample: str | None, pdf: bool, out: Path | None, view: View) -> list[Path]:
    """Write what is asked for; give back the files."""
    if sample is None:
        from sidestep.serving.report.writing import write_report

        return [folder / name for name in write_report(folder, view=view)]
    if pdf:
        from sidestep.serving.report.one_page import write_one_page

        return [write_one_page(folder, sample, out)]
    from sidestep.serving.report.writing import write_sample_page

    return [write_sample_page(folder, sample, out)]
