"""The verb `perturb`: what drugs do to pathways, on protein arrays of treated cells.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end


@click.command()
@click.argument("arrays", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("perturb"),
    show_default=True,
    help="New folder for tables, plots and page.",
)
@click.option(
    "--against",
    default="",
    metavar="CONDITION",
    help="Condition that the others are held against for rescue.  [default: alone, monoculture, "
    "control …, else that of the most arrays]",
)
@click.option(
    "--scale",
    type=click.Choice(["", "linear", "log2"]),
    metavar="[linear|log2]",
    default="",
    help="Scale of a table's levels.  [default: log2 where a level is negative, else linear]",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which a change counts.",
)
@lines_at_the_end("looking for changes")
def perturb(arrays: Path, out: Path, against: str, scale: str, fdr: float) -> Iterator[str]:
    """Say what drugs do to pathways in ARRAYS.

    ARRAYS is a table with a row a sample (sample, drug, dose, time, stimulus, condition, replicate,
    and antibodies), or a study folder with RPPA whose clinical attributes say these. Each treatment
    is held against its control of the same line, condition, stimulus and time: percent inhibition
    of pathways and antibodies with interval and test, and rescue by a condition.
    """
    from sidestep.features.files.study_writer import require_free
    from sidestep.features.perturbation.changes import find_perturbations
    from sidestep.features.perturbation.treated_arrays import read_arrays
    from sidestep.training.assays.perturb_output import account, write_perturbation

    require_free(out)
    read = read_arrays(arrays, scale)
    found = find_perturbations(read, against, fdr)
    write_perturbation(found, read, out)
    yield from [*read.notes, *read.left_out.summary(), *account(found)]
    yield f"Tables, plots and page: {out}"
