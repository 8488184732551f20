"""The verb `screen`: which genes' expression goes with survival.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidestep.features.options import profile_option

if TYPE_CHECKING:
    import pandas as pd

    from sidestep.training.survival.screen import Screen

_MOST_LINES = 60


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--genes",
    default="rtk",
    show_default=True,
    metavar="GENES",
    help="rtk (the 58 receptor tyrosine kinases), GENE,GENE,… or a file of symbols.",
)
@click.option(
    "--group",
    default="her2",
    show_default=True,
    metavar="GROUP",
    help="Patients: her2 (HER2-positive), all, or ATTRIBUTE=VALUE of the clinical files.",
)
@click.option(
    "--endpoint",
    type=click.Choice(["os", "rfs", "dfs", "pfs", "dss", "dmfs"]),
    help="Survival to look at.  [default: the first of these that the study has]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("screen"),
    show_default=True,
    help="Folder to write; an earlier screen in it is replaced.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which a gene counts as significant.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=100, max=100_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Samples drawn for the interval of a concordance index.",
)
@profile_option
@click.option("--quiet", is_flag=True, help="Show no progress.")
def screen(
    study: Path,
    genes: str,
    group: str,
    endpoint: str | None,
    out: Path,
    fdr: float,
    bootstrap: int,
    profiles: tuple[str, ...],
    quiet: bool,
) -> None:
    """Ask which genes' expression goes with survival in STUDY.

    For each gene the concordance index with its interval, the hazard ratio, and the log-rank
    test between patients above and below its median, with the false discovery rate over all
    genes; beside it what was published on receptor tyrosine kinases in HER2-positive patients.
    The folder OUT gets the table, a forest plot and Kaplan-Meier curves.
    """
    from sidestep.features.optional import needed

    with needed("scikit-survival", "screen", "sksurv"):
        from sidestep.training.survival.output import require_replaceable, write_screen
        from sidestep.training.survival.screen import Settings, screen_genes
    from sidestep.features.progress import Reporter
    from sidestep.features.study.profiles import parse_profiles
    from sidestep.features.study.study import read_study
    from sidestep.training.survival.cohort import gather_cohort
    from sidestep.training.survival.genes import choose_genes

    chosen = parse_profiles(profiles)
    require_replaceable(out)
    symbols = choose_genes(genes)
    cohort = gather_cohort(read_study(study, chosen), group, endpoint)
    with Reporter(quiet=quiet) as progress:
        settings = Settings(fdr=fdr, bootstrap=bootstrap)
        result = screen_genes(cohort, symbols, settings, progress)
        write_screen(result, out, genes)
    for line in _account(result):
        click.echo(line)
    click.echo(f"Table and plots: {out}")


def _account(result: Screen) -> Iterator[str]:
    """Lines of a screen for a person."""
    from sidestep.features.errors import some
    from sidestep.training.survival.output import CAVEAT

    cohort, counts = result.cohort, result.cohort.counts
    if cohort.study.simulated:
        yield "Simulated data: no sample is real."
    yield (
        f"{cohort.study.study_id}, {cohort.survival.name}, {cohort.group.name} "
        f"({cohort.group.rule})"
    )
    yield (
        f"{counts['in_group']} of {counts['patients']} patients are in the group, "
        f"{counts['with_survival']} of them have survival, {counts['with_expression']} expression "
        f"as well; {counts['events']} had the event"
    )
    yield from _table_lines(result)
    untested = result.table[result.table["c_index"].isna()]
    for _, gene in untested[~untested["gene"].isin(result.absent)].iterrows():
        yield f"Not tested: {gene['gene']} ({gene['note']})"
    if result.absent:
        total = len(result.table)
        yield (
            f"Not in the study's expression: {len(result.absent)} of {total} genes: "
            f"{some(result.absent, total)}"
        )
    yield from cohort.notes
    yield CAVEAT


def _table_lines(result: Screen) -> Iterator[str]:
    tested = result.table[result.table["c_index"].notna()]
    significant = int(tested["significant"].sum())
    width = max([len(gene) for gene in tested["gene"]] + [4])
    yield (
        f"{'gene':{width}}    n  events  c-index (interval)      hazard ratio a SD     "
        "log-rank p       q  outcome   published"
    )
    for _, row in tested.head(_MOST_LINES).iterrows():
        published = row["paper_outcome"] and f"{row['paper_outcome']} ({row['paper_agreement']})"
        line = (
            f"{row['gene']:{width}} {row['n']:4d}  {row['events']:6d}  "
            f"{_interval(row, 'c_index')}  {_interval(row, 'hazard_ratio')}  "
            f"{row['logrank_p']:10.2g} {row['q']:7.2g}{'*' if row['significant'] else ' '} "
            f"{row['direction']:8}  {published}"
        )
        yield line.rstrip()
    if len(tested) > _MOST_LINES:
        yield f"and {len(tested) - _MOST_LINES} more in the table"
    yield (
        f"{significant} of {len(tested)} genes have q at most {result.settings.fdr:g} (*). "
        "Outcome: with high expression, where the c-index's interval, which is not corrected for "
        "the number of genes, leaves 0.5 out"
    )


def _interval(row: pd.Series, name: str) -> str:
    value, lower, upper = (row[f"{name}{end}"] for end in ("", "_lower", "_upper"))
    return f"{value:5.3f} ({lower:5.3f} to {upper:5.3f})"
