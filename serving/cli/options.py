"""Options that several verbs have in common. Light to import, as the verbs are."""

from __future__ import annotations

import click

#: How a model is named on the command line.
MODEL_ADDRESSES = (
    "NAME (its champion), models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model, or a "
    "folder."
)

tracking_uri_option = click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow store of the model; MLFLOW_TRACKING_URI or sqlite:///mlflow.db by default.",
)
call_at_type = click.FloatRange(0.5, 1.0, min_open=True, max_open=True)
trust_option = click.option(
    "--trust",
    is_flag=True,
    help="Load a registered version that no digest was recorded with.",
)
