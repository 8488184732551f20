"""The verb `synergy`: what two drugs do together beyond what each does alone.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.plates import given_of, table_options


@click.command()
@click.argument("plates", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("synergy"),
    show_default=True,
    help="New folder for tables, plots and page.",
)
@click.option(
    "--model",
    type=click.Choice(["bliss", "hsa", "loewe", "zip"]),
    default="bliss",
    show_default=True,
    help="Model that the verdict goes by; all are told.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=20),
    default=100,
    show_default=True,
    help="Draws of the bootstrap.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which an excess counts.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Points of percent inhibition that do not matter: within them a pair is additive.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--no-plots", is_flag=True, help="Draw no pictures.")
@table_options
@lines_at_the_end("judging pairs of drugs")
def synergy(
    plates: tuple[Path, ...],
    out: Path,
    model: str,
    draws: int,
    fdr: float,
    margin: float,
    seed: int,
    no_plots: bool,
    unit: str,
    drug: str,
    sample: str,
    values: str,
) -> Iterator[str]:
    """Judge pairs of drugs in dose matrices of PLATES.

    PLATES are tables with a row a well (sample, drug1, drug2, dose1, dose2, value, replicate),
    NCATS blocks, and single agents beside them. For each pair and sample the excess over
    Bliss, HSA, Loewe and ZIP with bootstrap interval, the combination index, plots, and a verdict:
    synergistic, additive, antagonistic or unclear.
    """
    from sidestep.features.files.study_writer import require_free
    from sidestep.features.synergy.matrices import read_matrices
    from sidestep.features.synergy.verdicts import SynergyOptions, find_synergy
    from sidestep.training.assays.synergy_output import account, write_synergy

    require_free(out)
    options = SynergyOptions(model=model, draws=draws, fdr=fdr, margin=margin, seed=seed)
    matrices = read_matrices(list(plates), given_of(unit, drug, sample, values))
    found = find_synergy(matrices, options)
    write_synergy(found, matrices, out, plots=not no_plots)
    yield from [*matrices.notes, *matrices.left_out.summary(), *account(found)]
    yield f"Tables, plots and page: {out}"
