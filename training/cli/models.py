"""The verb `models`: which models are registered, and how good they are.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from sidestep.features.options import lines_at_the_end
from sidestep.training.cli.options import tracking_uri_option
from sidestep.training.tracking.quiet import quiet_mlflow


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a list, a version an object.")
@tracking_uri_option
@quiet_mlflow()
@lines_at_the_end("listing the models")
def models(as_json: bool, tracking_uri: str | None) -> Iterator[str]:
    """List the registered models: versions, aliases, what they learned, and how good they are."""
    import json

    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking.lifecycle import open_registry
    from sidestep.training.tracking.listing import listing, registered_versions

    versions = registered_versions(open_registry(resolve_tracking_uri(tracking_uri)))
    if as_json:
        yield json.dumps([found.plain() for found in versions], indent=1)
        return
    yield from listing(versions)
