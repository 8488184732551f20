"""The verbs that choose the version in use: `promote` and `rollback`.

What takes time to import is imported when a verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.options import tracking_uri_option
from sidestep.training.tracking.quiet import quiet_mlflow


@click.command()
@click.argument("name")
@click.argument("version", type=click.IntRange(min=1))
@click.option("--force", is_flag=True, help="Even if the version has not passed the gate.")
@tracking_uri_option
@quiet_mlflow()
@lines_at_the_end("asking the registry")
def promote(name: str, version: int, force: bool, tracking_uri: str | None) -> Iterator[str]:
    """Make VERSION of the registered model NAME its champion.

    A version that has not passed the gate is refused, unless by --force, which is recorded on
    the version as the tag `forced`.
    """
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking import lifecycle

    client = lifecycle.open_registry(resolve_tracking_uri(tracking_uri))
    yield lifecycle.promote(client, name, str(version), force=force)


@click.command()
@click.argument("name")
@tracking_uri_option
@quiet_mlflow()
@lines_at_the_end("asking the registry")
def rollback(name: str, tracking_uri: str | None) -> Iterator[str]:
    """Make the champion of NAME the one that it was before; again, the one before that."""
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking import lifecycle

    client = lifecycle.open_registry(resolve_tracking_uri(tracking_uri))
    yield lifecycle.rollback(client, name)
