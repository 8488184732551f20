"""The verb `ui`: look at the runs and models in MLflow's pages.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

import click

from sidestep.training.cli.options import tracking_uri_option


@click.command()
@tracking_uri_option
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def ui(tracking_uri: str | None, port: int, host: str) -> None:
    """Show the runs and models in MLflow's pages, until Ctrl-C."""
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking.ui import serve_pages

    serve_pages(resolve_tracking_uri(tracking_uri), host, port, notice=click.echo)
