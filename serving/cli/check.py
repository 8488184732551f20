"""`sidestep check`: what a study holds and what is wrong; it ends with 1 if a part is unusable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sidestep.features.options import profile_option
from sidestep.serving.cli.options import MODEL_ADDRESSES, tracking_uri_option, trust_option

if TYPE_CHECKING:
    from sidestep.features.study.study import Study
    from sidestep.models.registry.load import LoadedModel

# What takes a second to import is imported inside the functions, so that --help answers at once.


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--model",
    metavar="MODEL",
    help=f"Compare the study with the lines that this model learned from: {MODEL_ADDRESSES}",
)
@profile_option
@tracking_uri_option
@trust_option
@click.pass_context
def check(
    ctx: click.Context,
    study: Path,
    model: str | None,
    profiles: tuple[str, ...],
    tracking_uri: str | None,
    trust: bool,
) -> None:
    """Say what the folder STUDY holds, and what is wrong with it.

    With --model also, for each modality: how much of the model rests on it (weight) and how much
    of that on features that the samples have (covered); and whether the samples, as a whole, lie
    where the training lines lie. Half of the features' means differ by more than the median
    difference, in training standard deviations; p is the chance of samples as far off if they
    came from where the lines come from.

    Ends with exit code 1 if something in the study cannot be used.
    """
    from sidestep.features.errors import InputError
    from sidestep.features.progress import waiting

    if not study.is_dir():
        what = "is not a folder" if study.exists() else "does not exist"
        raise InputError(f"study {study} {what}; give a folder in the cBioPortal staging format")
    with waiting(f"reading {f'the model {model}' if model else study}") as stage:
        from sidestep.features.study.check import check_study
        from sidestep.features.study.profiles import parse_profiles
        from sidestep.models.registry.load import load_model

        chosen = parse_profiles(profiles)
        loaded = load_model(model, tracking_uri or None, trust=trust) if model else None
        stage(f"reading {study}")
        found = check_study(study, chosen)
        lines = found.lines()
        if loaded is not None and found.study is not None:
            stage("comparing it with the training lines")
            lines = [*lines, *_against(loaded, found.study)]
    for line in lines:
        click.echo(line)
    ctx.exit(1 if found.errors else 0)


def _against(model: LoadedModel, study: Study) -> list[str]:
    """How the study differs from what the model learned from."""
    from sidestep.serving.scoring.drift import drift_section, shift_lines

    training = model.predictor.training
    study_id = training.get("study_id", "an unnamed study")
    version = f" version {model.version}" if model.version else ""
    simulated = ", SIMULATED DATA" if training.get("simulated") else ""
    return [
        "",
        f"Against the model {model.name}{version} (trained on {study_id}{simulated})",
        *shift_lines(drift_section(study, model.predictor)),
    ]
