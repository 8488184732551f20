"""The verb `cells`: what single cells, and labels on them, say of a sample.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end


@click.command()
@click.argument("tables", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("cells"),
    show_default=True,
    help="New folder for the study, and in cells/ for tables, plots and page.",
)
@click.option(
    "--kind",
    type=click.Choice(["", "cells", "labels"]),
    metavar="[cells|labels]",
    default="",
    help="What a row is.  [default: a label where x and y have a unit of length, else a cell]",
)
@click.option("--sample", default="", metavar="NAME", help="Sample, where no column names it.")
@click.option(
    "--about",
    type=click.Path(path_type=Path),
    help="Cells: table that tells sample, field or cluster of the cells.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="MEANING=COLUMN",
    help="Cells: column that holds sample, cell, cluster or field; may be repeated.",
)
@click.option(
    "--markers", default="", metavar="NAMES", help="Cells: columns or genes to look at, by commas."
)
@click.option("--layer", metavar="NAME", help="Cells: layer of an .h5ad.  [default: X]")
@click.option(
    "--scale",
    type=click.Choice(["", "linear", "log2", "arcsinh"]),
    metavar="[linear|log2|arcsinh]",
    default="",
    help="Cells: scale of the levels.  [default: by the levels]",
)
@click.option(
    "--cofactor",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Cells: what arcsinh divides levels by (5: mass, 150: flow cytometry).",
)
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="MARKER=LEVEL",
    help="Cells: level from which on a marker is high, in place of a gate; may be repeated.",
)
@click.option(
    "--clusters",
    type=click.IntRange(0, 50),
    default=0,
    metavar="N",
    help="Cells: clusters to find where no column names them; 1 for none.  [default: up to six]",
)
@click.option(
    "--unit",
    default="",
    metavar="UNIT",
    help="Labels: unit of positions whose columns do not say it: nm, um, mm or angstrom.",
)
@click.option(
    "--window",
    default="rectangle",
    show_default=True,
    metavar="WINDOW",
    help="Labels: where they could be: rectangle or hull around a cell's labels, or a file with "
    "xmin, xmax, ymin, ymax a cell, or x, y of a polygon's corners.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["refuse", "once", "keep"]),
    default="refuse",
    show_default=True,
    help="Labels: what becomes of those of one kind at one place.",
)
@click.option(
    "--largest",
    type=click.FloatRange(0),
    default=0.0,
    metavar="NM",
    help="Labels: largest distance of K and g.  [default: a quarter of the windows' shorter side, "
    "or where a label has 60 neighbours by chance]",
)
@click.option(
    "--dimer",
    type=click.FloatRange(0),
    default=0.0,
    metavar="NM",
    help="Labels: about how far apart those of a dimer are.  [default: found]",
)
@click.option(
    "--simulations",
    type=click.IntRange(0),
    default=199,
    show_default=True,
    help="Labels: random patterns of the envelope test; 0 for no test.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Labels: false discovery rate up to which something counts as found.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--no-plots", is_flag=True, help="Leave the pictures out.")
@lines_at_the_end("reading cells or labels")
def cells(
    tables: tuple[Path, ...],
    out: Path,
    kind: str,
    sample: str,
    about: Path | None,
    columns: tuple[str, ...],
    markers: str,
    layer: str | None,
    scale: str,
    cofactor: float,
    thresholds: tuple[str, ...],
    clusters: int,
    unit: str,
    window: str,
    duplicates: str,
    largest: float,
    dimer: float,
    simulations: int,
    fdr: float,
    seed: int,
    no_plots: bool,
) -> Iterator[str]:
    """Say what single cells, or positions of labels on them, in TABLES tell of samples.

    A row is a cell with levels of markers (CSV, TSV, Parquet, .h5ad): told are the shares of
    resting, proliferating and HER2-low cells and the like, each with its gate, how markers spread,
    and clusters as samples that `sidestep score` reads. Or a row is a label: x and y with their
    unit (x_nm, y_um …), cell, and where there are any sample, state and type: told are K, L and g,
    whether labels lie at random, the share of labels in dimers, and of cells without dimers.
    """
    from sidestep.features.cells.columns import tells_labels
    from sidestep.features.cells.reading import header_of, table_files
    from sidestep.features.files.study_writer import require_free

    require_free(out)
    first = table_files(tables)[0]
    name = out.resolve().name
    if kind == "labels" or (not kind and tells_labels(header_of(first), unit)):
        from sidestep.features.points.labels import read_labels
        from sidestep.features.points.measured import PointOptions
        from sidestep.features.points.patterns import measure_patterns
        from sidestep.training.assays import points_output

        chosen = PointOptions(largest, dimer, simulations, fdr=fdr, seed=seed)
        labels = read_labels(tables, unit=unit, sample=sample, window=window, duplicates=duplicates)
        patterns = measure_patterns(labels, chosen)
        points_output.write_points(patterns, labels, out, name, plots=not no_plots)
        said = points_output.account(patterns, labels)
    else:
        from sidestep.features.cells.measures import CellOptions, measure_cells
        from sidestep.features.cells.pseudo_bulk import pseudo_bulk
        from sidestep.features.cells.tables import read_cells
        from sidestep.training.assays import cells_output

        levels = {
            key: _number(key, word) for key, word in _pairs(thresholds, "--threshold").items()
        }
        options = CellOptions(scale, cofactor, levels, clusters, seed=seed)
        table = read_cells(
            tables, sample=sample, about=about, columns=_pairs(columns, "--column"),
            markers=[word.strip() for word in markers.split(",") if word.strip()], layer=layer,
        )  # fmt: skip
        found = measure_cells(table, options)
        bulk = pseudo_bulk(table, found, f"{name}_clusters")
        cells_output.write_cells(found, table, bulk, out, name, plots=not no_plots)
        said = cells_output.account(found, table, bulk)
    yield from said
    yield f"Study: {out}; tables, plots and page: {out / 'cells'}"


def _pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """NAME=VALUE words of an option."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise click.UsageError(f"{option} {word!r} lacks its =; write NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found


def _number(marker: str, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise click.UsageError(f"--threshold {marker}={word}: {word!r} is no number.") from None
