"""`sidestep score`: every sample of a study predicted and explained, and written as a folder.

It ends with:

====  ==========================================================================
code  meaning
====  ==========================================================================
0     every sample was scored, or set apart with its reason in manifest.json
1     something unforeseen happened; DIR is as it was before
2     the command line, study, model or DIR must be mended; DIR is as it was
3     DIR is written, and holds what --fail-on names
130   interrupted from the keyboard; the same command goes on from there
137   killed (any signal: 128 and its number); the same command goes on as well
143   asked to end (SIGTERM), and ended cleanly; the same command goes on from there
====  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sidestep.features.options import (
    drugs_option,
    group_option,
    profile_option,
    repeatable,
    where_option,
)
from sidestep.models.engines.options import engine_options
from sidestep.serving.cli.options import (
    MODEL_ADDRESSES,
    call_at_type,
    tracking_uri_option,
    trust_option,
)

if TYPE_CHECKING:
    from sidestep.features.cohorts import Cohort
    from sidestep.features.files.store import MatrixStore
    from sidestep.features.study.on_disk import SampleSource
    from sidestep.models.registry.load import LoadedModel

#: Exit codes of `score`, as in the table above.
EXIT_CODES = {
    0: "every sample was scored, or set apart with its reason in manifest.json",
    1: "something unforeseen happened; DIR is as it was before",
    2: "the command line, study, model or DIR must be mended; DIR is as it was",
    3: "DIR is written, and holds what --fail-on names",
    130: "interrupted from the keyboard; the same command goes on from there",
    137: "killed (any signal: 128 and its number); the same command goes on as well",
    143: "asked to end (SIGTERM), and ended cleanly; the same command goes on from there",
}
FAILED_ON = 3
# Click leaves the lines of a paragraph alone that begins with \b.
_EPILOG = "\n".join(
    ["\b", "Exit codes:", *(f"  {code:<4}{what}" for code, what in EXIT_CODES.items())]
)

# What takes a second to import is imported inside the functions, so that --help answers at once.


@click.command(epilog=_EPILOG)
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--model",
    required=True,
    metavar="MODEL",
    help=MODEL_ADDRESSES,
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Folder to write; an earlier output of score there is replaced.",
)
@drugs_option("Drugs to score; all of the model by default.")
@profile_option
@where_option
@group_option
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Features named in each explanation.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 0.99),
    default=0.8,
    show_default=True,
    help="Share of samples whose response the intervals are to hold.",
)
@click.option(
    "--her2-context",
    is_flag=True,
    help="Percentiles and calls relative to the HER2-high training lines alone.",
)
@click.option(
    "--call-at",
    type=call_at_type,
    default=0.75,
    show_default=True,
    metavar="P",
    help="Probability of resistance from which on a sample is called resistant, and of "
    "sensitivity from which on it is called sensitive; over 0.5, under 1.",
)
@click.option(
    "--reference",
    default="",
    metavar="NAME",
    help="Cohort of tumours, kept by `sidestep reference`, that all samples but cell lines are "
    "answered among; `lines` for none.  [default: the one that has a tumour's modalities]",
)
@click.option(
    "--knowledge",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with CIViC, Hallmark, PROGENy and Reactome, of which any may be missing (docs, "
    "'Larger databases'); sidestep/knowledge in your cache by default.",
)
@repeatable(
    "--assays",
    metavar="DIR",
    text="Folder that fit, shift, synergy, perturb or cells wrote: what was measured in a sample "
    "stands beside its scores as evidence, and moves none of them. May be repeated.",
)
@tracking_uri_option
@click.option(
    "--fail-on",
    type=click.Choice(["never", "quarantine", "abstain"]),
    default="never",
    show_default=True,
    help="For schedulers: write everything, then end with exit code 3 if a sample was quarantined "
    "(quarantine), or if one was or any call is to abstain (abstain).",
)
@click.option(
    "--chunk-size",
    type=click.IntRange(min=1),
    help="Samples scored at a time, and lost at most if the job is killed.  [default: 1,024 at "
    "most; fewer for a model of many features]",
)
@click.option(
    "--as-study",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the scores as a study of cBioPortal, too: a new folder beside --out.",
)
@click.option("--no-report", is_flag=True, help="Write no report.html; `report DIR` draws it.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes of the local engine; each holds the model, and scores chunks of samples.  "
    "[default: one a core, four at most, and no more than one for every two chunks]",
)
@engine_options
@trust_option
@click.option("--quiet", is_flag=True, help="Show no progress.")
@click.pass_context
def score(
    ctx: click.Context,
    study: Path,
    model: str,
    out: Path,
    drugs: tuple[str, ...],
    profiles: tuple[str, ...],
    where: tuple[str, ...],
    group: str | None,
    top_k: int,
    level: float,
    her2_context: bool,
    call_at: float,
    reference: str,
    knowledge: Path | None,
    assays: tuple[str, ...],
    tracking_uri: str | None,
    fail_on: str,
    chunk_size: int | None,
    as_study: Path | None,
    no_report: bool,
    jobs: int | None,
    engine: str,
    scheduler: str | None,
    trust: bool,
    quiet: bool,
) -> None:
    """Predict and explain every sample of STUDY for every drug of a model.

    DIR gets report.html (for people), scores.parquet and scores.csv (a row a sample and drug),
    explanations.parquet and mechanisms.parquet (what moved each prediction), evidence.parquet
    (what the literature knows and assays found), gene_sets.parquet (gene sets of larger databases
    that a sample is extreme in), reference.parquet (where the training lines lie), samples.parquet
    (what is known of each sample) and manifest.json (with what it was made, and what was left out).
    It is written whole or not at all. After a crash the same command goes on where the job stopped.
    """
    from sidestep.features.progress import sample_progress, say, waiting

    with ExitStack() as context:
        with waiting(f"reading the model {model}", quiet=quiet) as stage:
            from sidestep.features.files.store import MatrixStore
            from sidestep.features.files.study_writer import require_free
            from sidestep.features.knowledge.drugs import both_names
            from sidestep.features.study.profiles import parse_profiles
            from sidestep.models.engines.options import open_engine
            from sidestep.models.registry.load import load_model
            from sidestep.serving.disk.lock import claimed
            from sidestep.serving.disk.score_folder import read_score_folder
            from sidestep.serving.evidence.databases import read_outside_knowledge
            from sidestep.serving.job import choose_drugs, score_study, start_ahead
            from sidestep.serving.scoring.chunk import ChunkRequest
            from sidestep.serving.scoring.options import ScoreOptions
            from sidestep.serving.words.cohorts import call_lines

            wanted = parse_profiles(profiles)
            if as_study is not None:
                _require_apart(as_study, out)
                require_free(as_study)
            # What can be refused at once is, before a large study is read.
            claim = context.enter_context(claimed(out))
            store = context.enter_context(MatrixStore(claim.matrices))
            workers = context.enter_context(
                open_engine(engine, jobs=jobs, scheduler=scheduler, notice=_note)
            )
            outside = read_outside_knowledge(knowledge, [Path(folder) for folder in assays])
            loaded = load_model(model, tracking_uri or None, trust=trust)
            chosen = choose_drugs(loaded, [name for name in drugs if name.strip()] or None)
            options = ScoreOptions(top_k, level, her2_context, call_at, reference)

            def counted(n_samples: int) -> None:
                """While a large study is read, all of which is to be scored, processes start."""
                if not where and not claim.work.exists():
                    request = ChunkRequest(loaded, chosen, options, outside)
                    start_ahead(workers, request, n_samples, chunk_size)

            stage(f"reading {study}")
            subject = _open(study, store, out, wanted, counted)
        donors = _donors(subject)
        _tell_doubts(subject, bool(loaded.predictor.training.get("simulated")))
        if outside.note and not quiet:
            say(f"note: {outside.note}")
        cohort = _cohort(subject, loaded, where, out)
        for note in cohort.notes:
            say(f"note: {note}")
        if outside.measured is not None:
            names = [str(sample) for sample in cohort.samples]
            say(f"note: {outside.measured.account(names, [drug.name for drug in chosen])}")
        with sample_progress(len(cohort.samples), quiet=quiet) as progress:
            manifest = score_study(
                subject,
                loaded,
                claim,
                drugs=[drug.name for drug in chosen],
                options=options,
                knowledge=outside,
                where=cohort,
                group=group or None,
                chunk=chunk_size,
                report=not no_report,
                progress=progress,
                notice=say,
                engine=workers,
            )
    poor = [both_names(drug.name) for drug in chosen if drug.gain.verdict == "worse"]
    calls = [] if quiet else list(call_lines(read_score_folder(out), group or None))
    *lines, written = _summary(manifest, poor, out, report=not no_report)
    for line in [*lines, *calls, written]:
        click.echo(line)
    if as_study is not None:
        _write_as_study(out, as_study, donors)
        click.echo(f"As a study: {as_study}; look at it with sidestep check {as_study}")
    if fails_on(manifest, fail_on):
        ctx.exit(FAILED_ON)


def _require_apart(as_study: Path, out: Path) -> None:
    """Refuse to write a study into the folder of the scores, or the scores into that."""
    from sidestep.features.errors import InputError

    one, other = as_study.resolve(), out.resolve()
    if one == other or other in one.parents or one in other.parents:
        raise InputError(f"--as-study {as_study} lies in --out {out}, or around it; give another")


def _donors(study: SampleSource) -> dict[str, str]:
    """Sample -> its donor."""
    from sidestep.features.study.on_disk import StoredStudy

    small = study.small if isinstance(study, StoredStudy) else study
    return {str(sample): str(donor) for sample, donor in small.donors.items()}


def _write_as_study(scores: Path, out: Path, donors: Mapping[str, str]) -> None:
    from sidestep.serving.as_study import write_as_study
    from sidestep.serving.disk.score_folder import read_score_folder

    write_as_study(read_score_folder(scores), out, donors)


def fails_on(manifest: dict[str, Any], fail_on: str) -> bool:
    """Whether scores hold what `--fail-on` names, by the counts in their manifest."""
    counts = manifest["counts"]
    abstained = fail_on == "abstain" and counts["calls"].get("abstain", 0) > 0
    return fail_on != "never" and (abstained or counts["samples_quarantined"] > 0)


def _note(line: str) -> None:
    """Say what the cluster does."""
    from sidestep.features.progress import say

    say(f"note: {line}")


def _open(
    study: Path,
    store: MatrixStore,
    out: Path,
    profiles: Mapping[str, str],
    counted: Callable[[int], None],
) -> SampleSource:
    """Read a study; what is too large for memory goes to the store."""
    from sidestep.features.study.on_disk import open_study
    from sidestep.serving.disk.output import unwritable

    try:
        return open_study(study, store, profiles, counted)
    except OSError as failure:
        raise unwritable(out, failure) from failure


def _cohort(study: SampleSource, model: LoadedModel, where: tuple[str, ...], out: Path) -> Cohort:
    """The samples that are asked for."""
    from sidestep.serving.disk.output import unwritable
    from sidestep.serving.job import scored_cohort

    try:
        return scored_cohort(study, model, where)
    except OSError as failure:
        raise unwritable(out, failure) from failure


def _tell_doubts(study: SampleSource, model_is_simulated: bool) -> None:
    """Say on standard error what the scores should not be taken for."""
    simulated = {"the study": study.simulated, "the model's training study": model_is_simulated}
    named = [what for what, so in simulated.items() if so]
    if named:
        verb = "is" if len(named) == 1 else "are"
        click.echo(
            f"sidestep: note: {' and '.join(named)} {verb} simulated; "
            "these scores say nothing about real samples.",
            err=True,
        )
    warnings = sum(problem.severity == "warning" for problem in study.problems)
    if warnings:
        click.echo(
            f"sidestep: note: {warnings} warning(s) while reading; `sidestep check {study.path}` "
            "lists them.",
            err=True,
        )


def _summary(manifest: dict[str, Any], poor: list[str], out: Path, *, report: bool) -> list[str]:
    """Three to eight lines: what was scored, what it lacked, and where it stands."""
    from sidestep.features.errors import some
    from sidestep.serving.disk.output import MANIFEST
    from sidestep.serving.job import FILES
    from sidestep.serving.report.writing import REPORT

    counts, model = manifest["counts"], manifest["model"]
    version = f" version {model['version']}" if model["version"] else ""
    scored = counts["samples_scored"]
    apart = manifest["quarantined"]
    lacking = [
        f"{modality} {counts['samples'] - covered['samples']}"
        for modality, covered in manifest["coverage"].items()
        if covered["samples"] < counts["samples"]
    ]
    lines = [
        f"Scored {scored:,} of {counts['samples']:,} samples of {manifest['study']['id']} for "
        f"{counts['drugs']} drug(s) with {model['name']}{version}: {counts['rows']:,} rows",
        f"Response: {model['response']}, {model['unit']}",
        f"Samples lacking a modality of the model: {', '.join(lacking) or 'none'}",
    ]
    asked = manifest["cohort"]
    if asked["where"]:
        filters = " and ".join(asked["where"])
        lines.insert(1, f"Of {asked['of_samples']:,} samples, those with {filters}")
    sets = manifest["options"]["knowledge"]["gene_sets"]
    if sets:
        counted = ", ".join(f"{name} {of['scorable']} of {of['sets']}" for name, of in sets.items())
        lines.append(f"Gene sets with a score: {counted}")
    if apart:
        lines.append(f"Quarantined, for the reasons in {MANIFEST}: {some(list(apart))}")
    if poor:
        lines.append(
            "Worse than the best baseline in cross-validation, so that every call abstains: "
            f"{some(poor)}"
        )
    files = [name for name in FILES if report or name != REPORT]
    return [*lines, f"Written to {out}: {', '.join(files)}"]
