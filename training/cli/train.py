"""Which verbs learn? `train`, `simulate` and `ui`, as the command line has them.

What takes time to import is imported when a verb runs.
"""

from __future__ import annotations

from pathlib import Path

import click

from sidestep.models.engines.options import DEVICES, engine_options

_DEFAULT_PANEL = "kinase"


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--response",
    metavar="R",
    help="Response to learn: its stable_id, its file's metric (gi50) or a part of either.  "
    "[default: the study's only one]",
)
@click.option("--drugs", metavar="A,B", help="Drugs to learn, by name or synonym.")
@click.option(
    "--panel",
    type=click.Choice(["her2", "kinase", "all"]),
    help="Drugs to learn where --drugs does not say: the anti-HER2 drugs or the kinase inhibitors "
    f"of the drug table, or all of the response.  [default: {_DEFAULT_PANEL}]",
)
@click.option(
    "--trials",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Optuna trials a search; there is one search a fold and one on all lines.",
)
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Folds of the cross-validation; the lines of one donor are never parted.",
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
    help="Modalities to learn from: expression, rppa, mutation, copy_number.  [default: all]",
)
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow store.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]",
)
@click.option(
    "--experiment", metavar="NAME", default="sidestep", show_default=True, help="In that store."
)
@click.option(
    "--register",
    metavar="NAME",
    help="Register the model; it becomes NAME@champion if it beats the baselines.",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
def train(
    study: Path,
    response: str | None,
    drugs: str | None,
    panel: str | None,
    trials: int,
    folds: int,
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
    tracking_uri: str | None,
    experiment: str,
    register: str | None,
    quiet: bool,
) -> None:
    """Learn drug responses from STUDY, and judge the model on lines held out.

    Nested cross-validation by donor, every drug beside its baselines (the drug's mean, the
    lineage's or subtype's mean, the clinician's single marker). The runs, pictures and the model
    are kept in MLflow; see them with `sidestep ui`.
    """
    from sidestep.features.errors import InputError

    if drugs is not None and panel is not None:
        raise click.UsageError("give --drugs or --panel, not both.")
    if search_workers > 1 and study_storage is None:
        raise click.UsageError("--search-workers share trials through --study-storage; give it.")
    if engine == "dask" and (study_storage or "").startswith("sqlite"):
        raise click.UsageError(
            "The workers of --engine dask open --study-storage too, and an SQLite file is on one "
            "machine; give a server's database, such as postgresql://USER@HOST/NAME."
        )
    if not study.is_dir():  # before a store is made for it
        raise InputError(f"study {study} is not a folder; give one in the cBioPortal format")
    from sidestep.training.train import Where, only_response, quiet_mlflow, run_train

    with quiet_mlflow():
        from sidestep.training.retrain import Request
        from sidestep.training.validation.cross_validation import Plan

        plan = Plan(
            folds=folds,
            trials=trials,
            seed=seed,
            jobs=_default_jobs() if jobs is None else jobs,
            modalities=_listed(modalities),
            clinical=_listed(clinical) or (),
            device=device,
        )
        request = Request(
            study=study,
            response=response if response is not None else only_response(study),
            drugs=_listed(drugs),
            panel=panel or _DEFAULT_PANEL,
            min_lines=min_lines,
            plan=plan,
            study_storage=study_storage,
            search_workers=search_workers,
        )
        where = Where(tracking_uri, experiment, engine, scheduler)
        for line in run_train(request, where, register, quiet=quiet):
            click.echo(line)


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@click.option(
    "--lines", type=int, default=60, show_default=True, help="Cell lines of the breast study."
)
@click.option(
    "--pancan-lines",
    type=int,
    default=160,
    show_default=True,
    help="Cell lines of the pan-cancer study.",
)
@click.option(
    "--cohort-samples",
    type=int,
    default=24,
    show_default=True,
    help="Tumours of the cohort that has no responses.",
)
@click.option("--genes", type=int, default=800, show_default=True, help="Genes of each study.")
@click.option(
    "--noise",
    type=float,
    default=0.75,
    show_default=True,
    help="Spread of a response's noise over that of its signal.",
)
@click.option(
    "--missing",
    type=float,
    default=0.25,
    show_default=True,
    help="Part of the lines that is not sequenced; other gaps follow.",
)
def simulate(
    out: Path,
    seed: int,
    lines: int,
    pancan_lines: int,
    cohort_samples: int,
    genes: int,
    noise: float,
    missing: float,
) -> None:
    """Write three simulated studies with known mechanisms into the folder OUT.

    breast_sim and pancan_sim are to train on, cohort_sim is to score. Each has a folder truth/
    that says what was planted. No sample of them is real.
    """
    from sidestep.features.simulation.simulate import simulate as write_studies

    written = write_studies(
        out,
        seed,
        lines,
        genes,
        pancan_lines=pancan_lines,
        cohort_samples=cohort_samples,
        noise=noise,
        missing=missing,
    )
    click.echo(f"Simulated (no sample is real), seed {seed}:")
    for name, truth in written.items():
        samples, drugs = truth.responses.shape
        click.echo(f"  {out / name}: {samples} samples, {drugs} drugs, {truth.metric}")
    click.echo(f"Next: sidestep train {out / next(iter(written))} --drugs Lapatinib")


@click.command()
@click.option(
    "--tracking-uri",
    metavar="URI",
    help="MLflow store.  [default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db]",
)
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def ui(tracking_uri: str | None, port: int, host: str) -> None:
    """Show the runs and models in MLflow's pages, until Ctrl-C."""
    from sidestep.models.registry.files import resolve_tracking_uri
    from sidestep.training.tracking.ui import serve_pages

    serve_pages(resolve_tracking_uri(tracking_uri), host, port, say=click.echo)


def _listed(names: str | None) -> tuple[str, ...] | None:
    """Names between commas; None where there are none."""
    found = tuple(name.strip() for name in (names or "").split(",") if name.strip())
    return found or None


def _default_jobs() -> int:
    from joblib import cpu_count

    return int(cpu_count())
