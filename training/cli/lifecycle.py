"""Which verbs choose the model in use? `compare`, `promote` and `rollback`.

What takes time to import is imported when a verb runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sidestep.training.validation.comparison import Comparison, RunPredictions

_tracking_uri: Callable[[click.decorators.FC], click.decorators.FC] = click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow store.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]",
)


@click.command()
@click.argument("run_a")
@click.argument("run_b")
@_tracking_uri
def compare(run_a: str, run_b: str, tracking_uri: str | None) -> None:
    """Compare two runs on the lines that both held out: is RUN_B better than RUN_A?

    A run is the identifier that `sidestep train` printed, or a registered NAME@champion or
    NAME/VERSION. Pearson r a drug, with the difference and its 95 % interval (bootstrap over
    donors), and a test over the panel that swaps the runs' predictions donor by donor.
    """
    from sidestep.training.train import quiet_mlflow

    with quiet_mlflow():
        from sidestep.models.registry.files import resolve_tracking_uri
        from sidestep.training.tracking.lifecycle import open_registry
        from sidestep.training.validation.comparison import compare_runs, read_run

        client = open_registry(resolve_tracking_uri(tracking_uri))
        a, b = read_run(client, run_a), read_run(client, run_b)
        for line in _told(a, b, compare_runs(a, b)):
            click.echo(line)


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--force", is_flag=True, help="Even if the version has not passed the gate.")
@_tracking_uri
def promote(name: str, version: int, force: bool, tracking_uri: str | None) -> None:
    """Make VERSION of the registered model NAME its champion.

    A version that has not passed the gate is refused, unless by --force, which is recorded on
    the version as the tag `forced`.
    """
    from sidestep.training.train import quiet_mlflow

    with quiet_mlflow():
        from sidestep.models.registry.files import resolve_tracking_uri
        from sidestep.training.tracking import lifecycle

        client = lifecycle.open_registry(resolve_tracking_uri(tracking_uri))
        click.echo(lifecycle.promote(client, name, str(version), force=force))


@click.command()
@click.argument("name")
@_tracking_uri
def rollback(name: str, tracking_uri: str | None) -> None:
    """Make the champion of NAME the one that it was before; again, the one before that."""
    from sidestep.training.train import quiet_mlflow

    with quiet_mlflow():
        from sidestep.models.registry.files import resolve_tracking_uri
        from sidestep.training.tracking import lifecycle

        client = lifecycle.open_registry(resolve_tracking_uri(tracking_uri))
        click.echo(lifecycle.rollback(client, name))


def _told(a: RunPredictions, b: RunPredictions, found: Comparison) -> Iterator[str]:
    """Write a comparison for a person to read."""
    for letter, run in (("A", a), ("B", b)):
        as_asked = "" if run.label == run.run_id else f" ({run.label})"
        yield f"{letter}: run {run.run_id}{as_asked}, {run.study}, {run.response}"
    folds = "the same folds" if found.same_folds else "different folds"
    yield f"Pearson r, out of fold, on the same {found.lines} lines in {folds}"
    width = max([len(str(drug)) for drug in found.drugs.index] + [len("drug")])
    yield f"{'drug':{width}}  lines    r of A    r of B     B - A  95 % interval"
    for drug, row in found.drugs.iterrows():
        yield (
            f"{drug!s:{width}}  {row['n']:5.0f}  {row['pearson_a']:8.3f}  {row['pearson_b']:8.3f}  "
            f"{row['difference']:+8.3f}  {row['lower']:+.3f} to {row['upper']:+.3f}"
        )
    drugs = {*a.predictions["drug"], *b.predictions["drug"]}
    left_out = sorted(map(str, drugs - set(found.drugs.index)))
    if left_out:
        yield f"Not compared, for want of shared lines: {', '.join(left_out)}"
    ends = {"better": "B is better", "worse": "A is better", "tie": "Neither is better"}
    yield (
        f"{ends[found.verdict]}: {found.numbers}, {found.donors} donors "
        "(95 % interval by bootstrap over donors, p by swapping the runs' predictions a donor)."
    )
