"""`sidestep reference`: tumours are predicted once, and kept with a model to answer others among.

What takes a second to import is imported inside the function, so that --help answers at once.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from sidestep.features.options import profile_option, where_option
from sidestep.serving.cli.options import tracking_uri_option, trust_option

if TYPE_CHECKING:
    from sidestep.models.predictor.cohort import TumourCohort

# Parts of a shift that are shown, of each modality.
_SHOWN = 4
# Levels tell tumours from lines well where they tell so many of either.
_WELL_TOLD = 0.9


@click.command()
@click.argument("model", metavar="MODEL")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--name", metavar="NAME", help="Of the cohort, in scores and reports.  [default: the study's]"
)
@where_option
@profile_option
@click.option("--replace", is_flag=True, help="Make anew a reference that the model has already.")
@tracking_uri_option
@trust_option
@click.option("--quiet", is_flag=True, help="Show no progress.")
def reference(
    model: str,
    study: Path,
    name: str | None,
    where: tuple[str, ...],
    profiles: tuple[str, ...],
    replace: bool,
    tracking_uri: str | None,
    trust: bool,
    quiet: bool,
) -> None:
    """Predict the tumours of STUDY once, and keep with MODEL where they lie.

    Every tumour lies away from every cell line in the same direction. A model with a reference
    takes that shift away from a tumour before it looks, and answers it among the reference's
    tumours: the percentile, the probability of resistance and the applicability of `sidestep
    score` then refer to them, and the column `reference` of the scores names them. Cell lines stay
    among the training lines. The reference is frozen: a sample scores the same alone and in a
    batch.

    STUDY needs 20 tumours at least; cell lines and normal tissue in it are left out.
    """
    from sidestep.features.progress import sample_progress, waiting

    with ExitStack() as context:
        with waiting(f"reading the model {model}", quiet=quiet) as stage:
            from sidestep.features.cohorts import cohort_of, restrict
            from sidestep.features.files.store import MatrixStore
            from sidestep.features.study.on_disk import open_study
            from sidestep.features.study.profiles import parse_profiles
            from sidestep.models.registry.load import load_model
            from sidestep.models.registry.references import keep_cohort, require_place
            from sidestep.serving.cohorts import make_cohort

            wanted = parse_profiles(profiles)
            loaded = load_model(model, tracking_uri or None, trust=trust)
            if name is not None:
                require_place(model, loaded, name, replace=replace)
            stage(f"reading {study}")
            folder = context.enter_context(TemporaryDirectory(prefix="sidestep-reference-"))
            store = context.enter_context(MatrixStore(Path(folder) / "matrices"))
            whole = open_study(study, store, wanted)
            chosen = cohort_of(whole, where)
            subject = restrict(whole, chosen)
            called = name or _name_of(whole.study_id)
            require_place(model, loaded, called, replace=replace)
        for note in chosen.notes:
            click.echo(f"sidestep: note: {note}", err=True)
        with sample_progress(len(subject.samples), quiet=quiet) as progress:
            cohort = make_cohort(
                loaded, subject, called, where="; ".join(chosen.written), progress=progress
            )
    with waiting(f"keeping {called} with the model", quiet=quiet):
        place = keep_cohort(cohort, model, loaded, tracking_uri or None)
    for line in _summary(cohort, place):
        click.echo(line)


def _name_of(study_id: str) -> str:
    """A cohort's name after its study's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", study_id).strip("._-")[:64] or "tumours"


def _summary(cohort: TumourCohort, place: str) -> list[str]:
    """What was kept, how well it can be told from lines, and what the shift consists of."""
    having = ", ".join(
        f"{'+'.join(pattern)} {count}" for pattern, count in sorted(cohort.patterns.items())
    )
    simulated = ", SIMULATED" if cohort.simulated else ""
    lines = [
        f"Reference {cohort.name}: {cohort.n} tumours of {cohort.study_id}{simulated} ({having})"
    ]
    tumours, of_lines = cohort.told["tumours"], cohort.told["lines"]
    if tumours is not None and of_lines is not None:
        lines.append(
            f"By their levels alone {tumours:.0%} of them, and {of_lines:.0%} of the training "
            "lines, would be taken for tumours"
        )
        if tumours < _WELL_TOLD or of_lines > 1 - _WELL_TOLD:
            lines.append(
                "That tells little: score with --reference "
                f"{cohort.name}, or let SAMPLE_TYPE say which samples are tumours"
            )
    shown: dict[str, list[str]] = {}
    for row in cohort.account:
        shown.setdefault(row["modality"], []).append(
            f"{row['part']} {row['mean']:+.1f} SD ({row['share']:.0%})".replace(
                "-", "\N{MINUS SIGN}"
            )
        )
    for modality, parts in shown.items():
        lines.append(f"Shift in {modality}, by share of it: {'; '.join(parts[:_SHOWN])}")
    return [*lines, f"Kept with {place}"]
