"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable

import click

tracking_uri_option: Callable[[click.decorators.FC], click.decorators.FC] = click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow store.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]",
)
