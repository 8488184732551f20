"""The verb `evaluate`: a model against responses that another study measured.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import group_option, lines_at_the_end, profile_option, where_option
from sidestep.training.cli.options import tracking_uri_option


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--model",
    required=True,
    metavar="MODEL",
    help="NAME (its champion), models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model, or a "
    "folder.",
)
@click.option(
    "--response",
    metavar="R",
    help="Response of STUDY to hold the model against.  [default: its only one]",
)
@click.option(
    "--drugs",
    multiple=True,
    metavar="A,B",
    help="Drugs to judge; all that model and response share by default. May be repeated.",
)
@click.option(
    "--new-only",
    is_flag=True,
    help="Leave out lines that the model has learned from, and their siblings. Without it the "
    "models of the folds that had not seen them answer.",
)
@where_option
@group_option
@click.option(
    "--ablate",
    metavar="M,N",
    help="Modalities to permute among the lines, for what each is worth: expression, rppa, "
    "mutation, copy_number, signature.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 0.99),
    default=0.8,
    show_default=True,
    help="Of the intervals.",
)
@click.option(
    "--call-at",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.75,
    show_default=True,
    help="Probability of resistance (or of none) that counts as a call.",
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=100, max=100_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Draws of donors for the intervals.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for evaluation.csv and evaluation.json; an earlier evaluation is replaced.",
)
@profile_option
@tracking_uri_option
@click.option(
    "--trust", is_flag=True, help="Load a registered version that no digest was recorded with."
)
@lines_at_the_end("evaluating the model")
def evaluate(
    study: Path,
    model: str,
    response: str | None,
    drugs: tuple[str, ...],
    new_only: bool,
    where: tuple[str, ...],
    group: str | None,
    ablate: str | None,
    level: float,
    call_at: float,
    bootstrap: int,
    seed: int,
    out: Path | None,
    profiles: tuple[str, ...],
    tracking_uri: str | None,
    trust: bool,
) -> Iterator[str]:
    """Hold a model against the responses that STUDY measured.

    Pearson r with its interval (bootstrap over donors), error relative to the training lines'
    mean, coverage of the intervals and calibration of the probability of resistance, by drug,
    lineage, modalities and HER2; and how well other screens of the study agree, which is what can
    be expected at best. On another scale than the model's, correlations only.
    """
    from threadpoolctl import threadpool_limits

    from sidestep.features.study.profiles import parse_profiles
    from sidestep.features.study.study import read_study
    from sidestep.models.registry.load import load_model
    from sidestep.training.external.evaluation import (
        EvaluationOptions,
        evaluate_model,
        require_replaceable,
    )

    options = EvaluationOptions(
        new_only=new_only,
        level=level,
        call_at=call_at,
        where=where,
        group=group,
        ablate=tuple(name.strip() for name in (ablate or "").split(",") if name.strip()),
        bootstrap=bootstrap,
        seed=seed,
    )
    if out is not None:
        require_replaceable(out)
    wanted = parse_profiles(profiles)
    loaded = load_model(model, tracking_uri or None, trust=trust)
    named = [name for name in drugs if name.strip()] or None
    with threadpool_limits(1):  # a sum must not depend on the machine's cores
        found = evaluate_model(read_study(study, wanted), loaded, response, named, options)
    yield from found.lines()
    if out is not None:
        found.write(out)
        yield f"Written to {out}"
