"""The verb `shift`: what a condition or a genotype does to a drug's curve.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.plates import given_of, plate_options


@click.command()
@click.argument("plates", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--between",
    type=click.Choice(["condition", "sample"]),
    default="condition",
    show_default=True,
    help="What is compared: conditions of a sample, or samples (mutant and wild type).",
)
@click.option(
    "--against",
    default="",
    metavar="NAME",
    help="Condition or sample that the others are held against.  [default: the condition that "
    "means untouched: alone, monoculture, control …]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("shift"),
    show_default=True,
    help="New folder for table, plot and page.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which a shift counts.",
)
@plate_options(parameters="4")
@lines_at_the_end("comparing curves")
def shift(
    plates: tuple[Path, ...],
    between: str,
    against: str,
    out: Path,
    fdr: float,
    unit: str,
    drug: str,
    sample: str,
    values: str,
    parameters: str,
    least_squares: bool,
) -> Iterator[str]:
    """Compare curves of PLATES between conditions, or between samples.

    For each drug the fold change of the IC50 and the difference of the AUC with interval, test and
    false discovery rate, a forest plot, the concentration that a patient's plasma reaches where it
    is known, and a verdict: protected, sensitised, no change.
    """
    from sidestep.features.assays.curves import CurveOptions
    from sidestep.features.assays.layouts import read_plates
    from sidestep.features.assays.shifts import find_shifts
    from sidestep.features.files.study_writer import require_free
    from sidestep.training.assays.shift_output import account, write_shifts

    require_free(out)
    readings = read_plates(list(plates), given_of(unit, drug, sample, values))
    options = CurveOptions(parameters=int(parameters), robust=not least_squares)
    shifts = find_shifts(readings, between, against, options, fdr)
    write_shifts(shifts, readings, out)
    yield from [*readings.notes, *readings.left_out.summary(), *account(shifts)]
    yield f"Table, plot and page: {out}"
