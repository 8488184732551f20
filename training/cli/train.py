"""The verb `train`: learn drug responses from a study, and judge the model on lines held out.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from pathlib import Path

import click

from sidestep.features.options import drugs_option, profile_option
from sidestep.models.engines.options import DEVICES, cores, engine_options
from sidestep.training.cli.options import tracking_uri_option

#: Drugs to learn where nobody says which.
DEFAULT_PANEL = "kinase"


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--response",
    metavar="R",
    help="Response to learn: its stable_id, its file's metric (gi50) or a part of either.  "
    "[default: the study's only one]",
)
@click.option(
    "--also",
    metavar="R,S",
    help="Other responses of the study, of the same drugs in other screens: lines that they alone "
    "tested are learned from, too, on the scale of --response. `all` is every other screen.",
)
@click.option(
    "--responder",
    "responders",
    metavar="WORD",
    multiple=True,
    help="Word of a clinical attribute that means response, where --response names one: --response "
    "PCR --responder pCR; several times or with commas: CR,PR.",
)
@click.option(
    "--regimen",
    metavar="C",
    help="Clinical attribute that tells a patient's regimen (ARM_CODE): learn by regimen, too.",
)
@click.option(
    "--regimen-drugs",
    metavar="C",
    help="Clinical attribute that tells the drugs given, such as Paclitaxel + MK-2206.  [default: "
    "the one whose texts name known drugs]",
)
@drugs_option("Drugs to learn, by name or synonym.")
@click.option(
    "--panel",
    type=click.Choice(["her2", "kinase", "all"]),
    help="Drugs to learn where --drugs does not say: the anti-HER2 drugs or the kinase inhibitors "
    f"of the drug table, or all of the response.  [default: {DEFAULT_PANEL}]",
)
@click.option(
    "--trials",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Optuna trials a search; there is one search a fold and one on all lines.",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    help="Assignments to folds; metrics are their mean.  [default: 3 below 100 lines, else 1]",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Folds of the cross-validation; the lines of one donor are never parted.",
)
@click.option(
    "--split",
    type=click.Choice(["donor", "lineage"]),
    default="donor",
    show_default=True,
    help="What is held out together: the lines of a donor, or of a whole lineage (and of its "
    "donors), which asks how the model does on a lineage that it has never seen.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@click.option(
    "--min-lines",
    type=click.IntRange(min=10),
    default=20,
    show_default=True,
    help="Lines that a drug needs; a named drug with fewer is refused, others are left out.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes of the local engine, of one thread each.  [default: one a core]",
)
@engine_options
@click.option(
    "--study-storage",
    metavar="URL",
    help="Database in which the searches' trials are shared with every other `sidestep train` of "
    "the same request, such as postgresql://USER@HOST/NAME.",
)
@click.option(
    "--search-workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Workers a search, which share its trials through --study-storage.",
)
@click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=DEVICES[0],
    show_default=True,
    help="Where trees are grown; cuda needs a GPU, and `xgboost` in place of `xgboost-cpu`.",
)
@click.option("--clinical", metavar="C,D", help="Clinical attributes to learn from, too.")
@click.option(
    "--modalities",
    metavar="M,N",
    help="Modalities to learn from: expression, rppa, mutation, copy_number, "
    "signature.  [default: all]",
)
@click.option(
    "--no-error-weights",
    is_flag=True,
    help="Give all training lines the same weight, though the study knows the errors of their "
    "responses.",
)
@profile_option
@tracking_uri_option
@click.option(
    "--experiment", metavar="NAME", default="sidestep", show_default=True, help="In that store."
)
@click.option(
    "--register",
    metavar="NAME",
    help="Register the model; it becomes NAME@champion if the gate and the best version allow.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def train(
    study: Path,
    response: str | None,
    also: str | None,
    responders: tuple[str, ...],
    regimen: str | None,
    regimen_drugs: str | None,
    drugs: tuple[str, ...],
    panel: str | None,
    trials: int,
    folds: int,
    repeats: int | None,
    split: str,
    seed: int,
    min_lines: int,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    device: str,
    study_storage: str | None,
    search_workers: int,
    clinical: str | None,
    modalities: str | None,
    no_error_weights: bool,
    profiles: tuple[str, ...],
    tracking_uri: str | None,
    experiment: str,
    register: str | None,
    quiet: bool,
) -> None:
    """Learn drug responses from STUDY, and judge the model on lines held out.

    Nested cross-validation by donor, every drug beside its baselines (the drug's mean, the
    lineage's or subtype's mean, the clinician's single marker). A response of patients (--response
    PCR --responder pCR) is learned on the log-odds, beside the rate, the receptors, the marker and
    published scores. The runs, pictures and the model
    are kept in MLflow; see them with `sidestep ui`.
    """
    from sidestep.features.errors import InputError

    named = tuple(name for name in drugs if name.strip()) or None
    if named is not None and panel is not None:
        raise click.UsageError("give --drugs or --panel, not both.")
    if regimen_drugs is not None and regimen is None:
        raise click.UsageError("--regimen-drugs goes with --regimen; give both.")
    if search_workers > 1 and study_storage is None:
        raise click.UsageError("--search-workers share trials through --study-storage; give it.")
    if engine == "dask" and (study_storage or "").startswith("sqlite"):
        raise click.UsageError(
            "The workers of --engine dask open --study-storage too, and an SQLite file is on one "
            "machine; give a server's database, such as postgresql://USER@HOST/NAME."
        )
    if not study.is_dir():  # before a store is made for it
        raise InputError(f"study {study} is not a folder; give one in the cBioPortal format")
    from sidestep.features.progress import waiting

    with waiting("getting ready", quiet=quiet):
        from sidestep.features.study.profiles import parse_profiles
        from sidestep.features.vocabulary.response_words import require_words
        from sidestep.training.retrain import Request
        from sidestep.training.train import Where, run_train
        from sidestep.training.validation.cross_validation import Plan

    plan = Plan(
        folds=folds,
        repeats=repeats,
        split=split,
        trials=trials,
        seed=seed,
        jobs=cores() if jobs is None else jobs,
        modalities=_listed(modalities),
        clinical=_listed(clinical) or (),
        device=device,
    )
    request = Request(
        study=study,
        response=response,
        responders=require_words(responders),
        regimen=regimen,
        regimen_drugs=regimen_drugs,
        drugs=named,
        panel=panel or DEFAULT_PANEL,
        min_lines=min_lines,
        plan=plan,
        study_storage=study_storage,
        search_workers=search_workers,
        error_weights=not no_error_weights,
        profiles=parse_profiles(profiles),
        also=_listed(also) or (),
    )
    where = Where(tracking_uri, experiment, engine, scheduler)
    for line in run_train(request, where, register, quiet=quiet).summary():
        click.echo(line)


def _listed(names: str | None) -> tuple[str, ...] | None:
    """Names between commas; None where there are none."""
    listed = tuple(name.strip() for name in (names or "").split(",") if name.strip())
    return listed or None
