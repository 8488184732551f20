"""The verb `compare`: whether one run is better than another, on the lines that both held out.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.options import tracking_uri_option
from sidestep.training.tracking.quiet import quiet_mlflow

if TYPE_CHECKING:
    from sidestep.training.validation.comparison import Comparison, RunPredictions


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@tracking_uri_option
@quiet_mlflow()
@lines_at_the_end("comparing the runs")
def compare(run_a: str, run_b: str, tracking_uri: str | None) -> Iterator[str]:
    """Compare two runs on the lines that both held out: is RUN_B better than RUN_A?

    A run is the identifier that `sidestep train` printed, or a registered NAME@champion or
    NAME/VERSION. Pearson r (AUC of a binary response) a drug, with the difference and its 95 %
    interval (bootstrap over donors), and the probability that B is better.
    """
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking.lifecycle import open_registry
    from sidestep.training.validation.comparison import compare_runs, read_run

    client = open_registry(resolve_tracking_uri(tracking_uri))
    a, b = read_run(client, run_a), read_run(client, run_b)
    yield from _account(a, b, compare_runs(a, b))


def _account(a: RunPredictions, b: RunPredictions, comparison: Comparison) -> Iterator[str]:
    """Lines of a comparison for a person."""
    for letter, run in (("A", a), ("B", b)):
        reference = "" if run.label == run.run_id else f" ({run.label})"
        yield f"{letter}: run {run.run_id}{reference}, {run.study}, {run.response}"
    folds = "the same folds" if comparison.same_folds else "different folds"
    name, symbol = comparison.yardstick.headline, comparison.yardstick.symbol
    words = comparison.yardstick.words
    yield f"{words}, out of fold, on the same {comparison.lines} lines in {folds}"
    width = max([len(str(drug)) for drug in comparison.drugs.index] + [len("drug")])
    heads = "  ".join(f"{f'{symbol} of {run}':>8}" for run in "AB")
    yield f"{'drug':{width}}  lines  {heads}     B - A  95 % interval"
    for drug, row in comparison.drugs.iterrows():
        yield (
            f"{drug!s:{width}}  {row['n']:5.0f}  {row[f'{name}_a']:8.3f}  {row[f'{name}_b']:8.3f}  "
            f"{row['difference']:+8.3f}  {row['lower']:+.3f} to {row['upper']:+.3f}"
        )
    drugs = {*a.predictions["drug"], *b.predictions["drug"]}
    left_out = sorted(map(str, drugs - set(comparison.drugs.index)))
    if left_out:
        yield f"Not compared, for want of shared lines: {', '.join(left_out)}"
    ends = {"better": "B is better", "worse": "A is better", "tie": "Neither is better"}
    yield (
        f"{ends[comparison.verdict]}: {comparison.numbers}, {comparison.donors} donors "
        "(95 % interval and probability by bootstrap over donors)."
    )
