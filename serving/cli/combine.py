"""`sidestep combine`: partner drugs where a drug is predicted to fail."""

from __future__ import annotations

from pathlib import Path

import click

from sidestep.features.options import group_option, repeatable, where_option
from sidestep.serving.cli.options import tracking_uri_option, trust_option

# What takes a second to import is imported inside the functions, so that --help answers at once.

_EPILOG = "\n".join(
    [
        "\b",
        "The order of partners:",
        "  1. drugs that a published rule names, where the sample shows its mechanism: tried with",
        "     this very drug (shown), with another one of the same target (same target), in cells",
        "     that the sample is not known to be like (other context); in each, those that the",
        "     model predicts the sample most sensitive to first, then those it says nothing of,",
        "     last those that are predicted, or known, to fail in the sample too",
        "  2. drugs of the panel with other targets that the model predicts it sensitive to; these",
        "     have 'none (model only)' as evidence",
        "Without a rank: mechanisms without a known partner, and those found to change nothing.",
    ]
)


@click.command(epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--at-least",
    type=click.FloatRange(50, 100),
    default=75,
    show_default=True,
    metavar="PERCENTILE",
    help="Resistance percentile from which a drug counts as failing although the call is "
    "uncertain, or the model abstains.",
)
@repeatable(
    "--sample",
    "samples",
    metavar="ID",
    text="Partners for this sample alone. May be repeated.",
)
@repeatable(
    "--drug", "drugs", metavar="D", text="Partners where this drug fails alone. May be repeated."
)
@where_option
@group_option
@click.option(
    "--synergy",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="TABLE",
    help="Measured synergy, said of the partners it holds: synergy.csv of sidestep synergy, or "
    "published scores (sample, drug1, drug2, score). It changes no rank.",
)
@click.option(
    "--study",
    type=click.Path(path_type=Path),
    metavar="STUDY",
    help="Where the scored study lies now; where it lay when it was scored by default.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help="The model of the scores; needed if it lies in a folder.",
)
@tracking_uri_option
@trust_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write this .parquet or .csv file instead; DIR stays as it is.",
)
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="Suggestions to print.",
)
@click.option("--quiet", is_flag=True, help="Print only what was written.")
def combine(
    folder: Path,
    at_least: float,
    samples: tuple[str, ...],
    drugs: tuple[str, ...],
    where: tuple[str, ...],
    group: str | None,
    synergy: Path | None,
    study: Path | None,
    model: str | None,
    tracking_uri: str | None,
    trust: bool,
    out: Path | None,
    show: int,
    quiet: bool,
) -> None:
    """Name partner drugs for the samples in DIR that are predicted to resist a drug.

    DIR is an output of sidestep score, and gets combinations.parquet and combinations.csv: a row a
    sample, drug that fails and partner, with the reason, the caveat and the source. What is
    published and what the model predicts stay apart, and no synergy is claimed of two drugs. A HER2
    drug has partners only where HER2 drives: the sample is HER2-high, or carries an activating
    change of ERBB2. DIR/report.html is drawn anew, with the partners on the page of each sample.

    With --sample, --drug or --where the partners of these are told, and DIR stays as it is.
    """
    from sidestep.features.progress import waiting

    out = None if out is None else _file(out)
    with waiting("reading scores, model and study", quiet=quiet) as stage:
        from sidestep.features.cohorts import group_labels
        from sidestep.serving.combinations.folder import combine, wanted_of
        from sidestep.serving.combinations.measured import read_measured
        from sidestep.serving.combinations.text import as_text
        from sidestep.serving.disk.score_folder import read_score_folder
        from sidestep.serving.source import find_source

        measured = None if synergy is None else read_measured(synergy)
        scores = read_score_folder(folder)
        source = find_source(folder, study, model, tracking_uri=tracking_uri or None, trust=trust)
        labels = group_labels(scores.known, group) if group else None
        wanted = wanted_of(scores, source, samples, drugs, where)
        stage("looking for partners")
        found, files = combine(scores, source, at_least, out, wanted, measured)
        if out is None and files:
            stage("drawing the report")
            files += _draw_anew(folder)
    if not quiet:
        for line in as_text(found, show, simulated=source.simulated, groups=labels):
            click.echo(line)
        for line in measured.lines(found.resisted, show) if measured is not None else ():
            click.echo(line)
    if files:
        click.echo(f"Written: {', '.join(map(str, files))}")


def _draw_anew(folder: Path) -> list[Path]:
    """Draw the report of a score folder anew, if it has one."""
    from sidestep.serving.report.writing import REPORT, write_report

    if not (folder / REPORT).exists():
        return []
    return [folder / name for name in write_report(folder)]


def _file(out: Path) -> Path:
    """The file to write; refuse an ending that says nothing of its kind."""
    from sidestep.features.errors import InputError

    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"--out {out} must end in .parquet or .csv, which says what to write")
    return out
