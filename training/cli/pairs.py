"""The verb `pairs`: what changed between two biopsies of each patient.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from sidestep.features.options import lines_at_the_end, profile_option, repeatable


@click.command()
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--before",
    required=True,
    metavar="ATTRIBUTE=VALUE",
    help="Samples before treatment, such as TIMEPOINT=baseline, or a value that one attribute has.",
)
@click.option(
    "--after", required=True, metavar="ATTRIBUTE=VALUE", help="Samples after treatment, likewise."
)
@click.option(
    "--response",
    default="",
    metavar="NAME",
    help="Who responded: a clinical attribute, with --responder, or a response of 0 and 1.",
)
@repeatable(
    "--responder",
    metavar="WORD,WORD",
    text="Words of the attribute that mean response, such as pCR.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("pairs"),
    show_default=True,
    help="New folder for tables, plots and page.",
)
@click.option(
    "--fdr",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="False discovery rate up to which a change counts.",
)
@profile_option
@lines_at_the_end("comparing biopsies")
def pairs(
    study: Path,
    before: str,
    after: str,
    response: str,
    responder: tuple[str, ...],
    out: Path,
    fdr: float,
    profiles: tuple[str, ...],
) -> Iterator[str]:
    """Say what changed between two biopsies of each patient of STUDY.

    Samples of one PATIENT_ID are paired. The change of every level (RNA, protein, copy number,
    signature) and mechanism score is tested over the patients and, with --response, in those who
    responded, those who did not, and between them; beside it stands who shows the changes that were
    published of biopsies under anti-HER2 therapy.
    """
    from sidestep.features.files.study_writer import require_free
    from sidestep.features.pairs.changes import find_changes
    from sidestep.features.pairs.pairing import find_pairs
    from sidestep.features.study.profiles import parse_profiles
    from sidestep.features.study.study import read_study
    from sidestep.features.vocabulary.response_words import require_words
    from sidestep.training.assays.pairs_output import account, write_pairs

    require_free(out)
    read = read_study(study, parse_profiles(profiles))
    pairing = find_pairs(read, before, after, response, require_words(responder))
    found = find_changes(read, pairing, fdr)
    write_pairs(found, read, out)
    yield from account(found, read)
    yield f"Tables, plots and page: {out}"
