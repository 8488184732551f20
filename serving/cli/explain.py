"""`sidestep explain`: why one prediction is what it is, and what if the sample were different."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from sidestep.features.errors import InputError
from sidestep.features.options import group_option, profile_option, where_option
from sidestep.serving.cli.options import (
    MODEL_ADDRESSES,
    call_at_type,
    tracking_uri_option,
    trust_option,
)

# What takes a second to import is imported inside the function, so that --help answers at once.

_EPILOG = "\n".join(
    [
        "\b",
        "What --set takes:",
        "  ERBB2=+2sd               every level of the gene 2 training SDs higher: RNA, protein,",
        "                           phosphoprotein, copy number, as far as they are measured",
        "  ERBB2=2sd                every such level at the training mean plus 2 SDs",
        "  expression:ERBB2=-1.5sd  one feature 1.5 training SDs lower",
        "  copy_number:ERBB2=1.2    one feature at this value of the model's scale (log2; RNA and",
        "                           protein in training SDs, so that -1.5 is 1.5 below the mean)",
        "  mutation:PIK3CA=1        a mutation (or clinical category) present, 0 for absent",
        "Repeat --set for several changes; they are made in their order. Phospho-to-total ratios",
        "follow the levels. Everything else of the sample stays as it is.",
    ]
)


@click.command(epilog=_EPILOG)
@click.argument("sample", required=False)
@click.option("--drug", required=True, metavar="D", help="Drug of the model.")
@click.option(
    "--scores",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Output of score, which names study and model; the folder scores by default.",
)
@click.option(
    "--study",
    type=click.Path(path_type=Path),
    metavar="STUDY",
    help="Study of the sample; with --model, no scores are needed.",
)
@click.option(
    "--model",
    metavar="MODEL",
    help=MODEL_ADDRESSES,
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FEATURE=VALUE",
    help="What if the sample were different: show what changes. See below.",
)
@click.option(
    "--top-k",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Features named.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.5, 0.99),
    help="Share of samples whose response the interval is to hold; that of the scores, or 0.8.",
)
@click.option(
    "--her2-context",
    is_flag=True,
    help="Percentile and call relative to the HER2-high training lines alone; so without saying "
    "where the scores are.",
)
@click.option(
    "--call-at",
    type=call_at_type,
    metavar="P",
    help="Probability that a call needs, over 0.5 and under 1; that of the scores, or 0.75.",
)
@click.option(
    "--regimen",
    metavar="R",
    help="Regimen under which to explain, of a model of patients.  [default: the sample's own]",
)
@where_option
@group_option
@profile_option
@tracking_uri_option
@trust_option
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
def explain(
    sample: str | None,
    drug: str,
    scores: Path | None,
    study: Path | None,
    model: str | None,
    settings: tuple[str, ...],
    top_k: int,
    level: float | None,
    her2_context: bool,
    call_at: float | None,
    regimen: str | None,
    where: tuple[str, ...],
    group: str | None,
    profiles: tuple[str, ...],
    tracking_uri: str | None,
    trust: bool,
    as_json: bool,
) -> None:
    """Say what is predicted of SAMPLE and why, and what would change the call.

    With --set, say instead what the model would predict if the sample were different. Both are
    statements about the model, not about what the cells would do.

    Without SAMPLE, say what moves the predictions of all samples in the scores on average; of some
    of them with --where, of each group with --group.
    """
    if not sample:
        needless = {
            "--set": settings,
            "--study": study,
            "--model": model,
            "--level": level,
            "--call-at": call_at,
        }
        asked = (drug, regimen, where, group or None)
        _explain_cohort(scores, *asked, top_k, needless, as_json=as_json)
        return
    if where or group:
        raise InputError(
            f"{'--where' if where else '--group'} is for a cohort, and SAMPLE for one sample; "
            "leave one of them out"
        )
    from sidestep.features.progress import waiting

    with waiting("reading the model and the study") as stage:
        from sidestep.features.study.profiles import parse_profiles
        from sidestep.serving.explain.answer import answer
        from sidestep.serving.explain.text import as_text
        from sidestep.serving.source import find_source

        source = find_source(
            scores,
            study,
            model,
            profiles=parse_profiles(profiles),
            tracking_uri=tracking_uri or None,
            trust=trust,
        )
        stage(f"explaining {sample}")
        found = answer(
            source,
            sample,
            drug,
            settings,
            top_k=top_k,
            level=level or source.level,
            her2_context=her2_context or source.her2_context,
            call_at=call_at or source.call_at,
            regimen=regimen,
        )
    for line in [found.as_json()] if as_json else as_text(found):
        click.echo(line)


def _explain_cohort(
    scores: Path | None,
    drug: str,
    regimen: str | None,
    where: tuple[str, ...],
    group: str | None,
    top_k: int,
    needless: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    """Say what moves the predictions of a cohort."""
    from sidestep.features.progress import waiting

    given = [option for option, value in needless.items() if value]
    if given:
        raise InputError(f"{given[0]} is for a single sample; name it, or leave {given[0]} out")
    with waiting("reading the scores"):
        from sidestep.serving.disk.regimens import label_of
        from sidestep.serving.explain.cohort import answer_cohort
        from sidestep.serving.source import DEFAULT_SCORES

        found = answer_cohort(scores or DEFAULT_SCORES, label_of(drug, regimen), where, group)
    for line in [found.as_json()] if as_json else found.lines(top_k):
        click.echo(line)
