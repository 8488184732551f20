"""The verb `data export`: a study as CSV files or one MuData file, from which it comes back whole.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end, profile_option


@click.command("export", short_help="Write a study as CSV files or one MuData file.")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(["csv", "h5mu"]),
    required=True,
    help="csv: a folder of tables with study.toml, which says what each is; h5mu: one MuData file.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="New folder, or file.")
@profile_option
@lines_at_the_end("writing the study")
def export(study: Path, form: str, out: Path, profiles: tuple[str, ...]) -> Iterator[str]:
    """Write STUDY as other programs read it: CSV, or MuData (scverse), which needs h5py.

    Nothing is lost: `sidestep data import OUT/study.toml NEW`, or of the .h5mu file, makes the same
    study again, with its levels, calls, panels, case lists, clinical attributes and responses with
    their unit and direction. Names of genes and antibodies are those that `sidestep check` tells.
    """
    from sidestep.features.exports.csv_folder import write_csv_folder
    from sidestep.features.exports.mudata import write_h5mu
    from sidestep.features.originals.mapping import MAPPING
    from sidestep.features.study.profiles import parse_profiles
    from sidestep.features.study.study import read_study

    read = read_study(study, parse_profiles(profiles))
    written = (write_csv_folder if form == "csv" else write_h5mu)(read, out)
    again = written / MAPPING if form == "csv" else written
    yield f"Exported {read.study_id} to {written}: {len(read.samples):,} samples"
    yield f"Back again: sidestep data import {again} NEW"
