"""The verb `fit`: plates to curves, and curves to drug responses that `train` learns from.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.plates import given_of, plate_options, range_of


@click.command()
@click.argument("plates", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="STUDY",
    help="New folder for the study.",
)
@plate_options(parameters="3")
@click.option(
    "--apart",
    default="",
    metavar="KEYS",
    help="Fit each of these by itself: replicate, plate or both, joined by a comma.",
)
@click.option(
    "--time-course",
    is_flag=True,
    help="Growth rates from one time to the next, not since the drug was given.",
)
@click.option(
    "--area",
    default="0.005,5",
    show_default=True,
    metavar="LOW,HIGH",
    help="Doses of the activity area, uM (ug/ml by weight): the same in every screen.",
)
@click.option("--no-plots", is_flag=True, help="Draw no pictures and pages.")
@lines_at_the_end("fitting curves")
def fit(
    plates: tuple[Path, ...],
    out: Path,
    unit: str,
    drug: str,
    sample: str,
    values: str,
    parameters: str,
    apart: str,
    least_squares: bool,
    time_course: bool,
    area: str,
    no_plots: bool,
) -> Iterator[str]:
    """Fit dose-response curves to PLATES and write them as a STUDY.

    PLATES are files or folders: tidy tables with a row a well (sample, drug, dose, unit, value;
    control_value, time0_value, role, replicate, condition, plate, well), with tables of controls
    and of time 0 beside them
    or not, plates as grids with maps of the same shape, doses as column names, and the layouts of
    Daemen, CCLE and Ba/F3 screens. Every curve gets a row with a status; each metric and condition
    becomes a response of the study.
    """
    from sidestep.features.assays.curves import CurveOptions, fit_curves
    from sidestep.features.assays.layouts import read_plates
    from sidestep.features.assays.plates import check_plates
    from sidestep.features.assays.significance import classified
    from sidestep.features.files.study_writer import require_free
    from sidestep.training.assays.output import FOLDER, account, write_fit

    require_free(out)
    options = CurveOptions(
        parameters=int(parameters),
        robust=not least_squares,
        apart=tuple(name for name in apart.split(",") if name),
        area=range_of(area, "--area"),
        time_course=time_course,
    )
    readings = read_plates(list(plates), given_of(unit, drug, sample, values))
    curves = classified(fit_curves(readings, options))
    checked = check_plates(readings, curves)
    study_id = re.sub(r"[^A-Za-z0-9]+", "_", out.resolve().name).strip("_").lower() or "plates"
    write_fit(curves, readings, checked, out, study_id, plots=not no_plots)
    yield from account(curves, readings, checked)
    yield f"Study: {out}; curves, plots and what was left out: {out / FOLDER}"
