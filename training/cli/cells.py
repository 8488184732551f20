"""The verb `cells`: what single cells, and labels on them, say of a sample.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("cells"),
    show_default=True,
    help="New folder for the study, and in cells/ for tables, plots and page.",
)
@click.option("--sample", default="", metavar="NAME", help="Sample, where no column names it.")
@click.option(
    "--unit",
    default="",
    metavar="UNIT",
    help="Unit of positions whose columns do not say it: nm, um, mm or angstrom.",
)
@click.option(
    "--window",
    default="rectangle",
    show_default=True,
    metavar="WINDOW",
    help="Where labels could be: rectangle or hull around a cell's labels, or a file with xmin, "
    "xmax, ymin, ymax a cell, or x, y of a polygon's corners.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["refuse", "once", "keep"]),
    default="refuse",
    show_default=True,
    help="What becomes of labels of one kind at one place.",
)
@click.option(
    "--largest",
    type=click.FloatRange(0),
    default=0.0,
    metavar="NM",
    help="Largest distance of K and g.  [default: a quarter of the windows' shorter side, or where "
    "a label has 60 neighbours by chance]",
)
@click.option(
    "--dimer",
    type=click.FloatRange(0),
    default=0.0,
    metavar="NM",
    help="About how far apart the labels of a dimer are.  [default: found]",
)
@click.option(
    "--simulations",
    type=click.IntRange(0),
    default=199,
    show_default=True,
    help="Random patterns of the envelope test; 0 for no test.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which something counts as found.",
)
@click.option("--no-plots", is_flag=True, help="Leave the pictures out.")
def cells(
    tables: tuple[Path, ...],
    out: Path,
    sample: str,
    unit: str,
    window: str,
    duplicates: str,
    largest: float,
    dimer: float,
    simulations: int,
    seed: int,
    fdr: float,
    no_plots: bool,
) -> None:
    """Say what label positions in TABLES tell of cells and samples.

    A row is a label: x and y with their unit (x_nm, y_um …), cell, and where there are any sample,
    state (such as resting) and type. Told are K, L and g with edge correction, whether labels lie
    at random, the share of labels in dimers cell by cell, and the subpopulation of cells without
    dimers.
    """
    from sidestep.features.files.study_writer import require_free
    from sidestep.features.points.labels import read_labels
    from sidestep.features.points.patterns import PointOptions, measure_patterns
    from sidestep.training.assays.points_output import account, write_points

    require_free(out)
    options = PointOptions(largest, dimer, simulations, fdr=fdr, seed=seed)
    labels = read_labels(tables, unit=unit, sample=sample, window=window, duplicates=duplicates)
    found = measure_patterns(labels, options)
    write_points(found, labels, out, out.resolve().name, plots=not no_plots)
    for line in [*labels.notes, *labels.left_out.summary(), *account(found)]:
        click.echo(line)
    click.echo(f"Study: {out}; tables, plots and page: {out / 'cells'}")
