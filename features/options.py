"""Options of the command line that every verb which reads a study has. Light to import."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
Given = ParamSpec("Given")


def lines_at_the_end(
    what: str,
) -> Callable[[Callable[Given, Iterable[str]]], Callable[Given, None]]:
    """A verb that prints the lines it gives once it has ended; a terminal sees `what` till then.

    Parameters
    ----------
    what : str
        What the verb does, such as ``"comparing the runs"``.
    """

    def of(verb: Callable[Given, Iterable[str]]) -> Callable[Given, None]:
        @wraps(verb)
        def printed(*args: Given.args, **kwargs: Given.kwargs) -> None:
            from sidestep.features.progress import waiting

            with waiting(what):
                lines = list(verb(*args, **kwargs))
            for line in lines:
                click.echo(line)

        return printed

    return of


def drugs_option(what: str) -> Callable[[Command], Command]:
    """``--drugs A,B``, which may be repeated, for `study.responses.drug_columns`."""
    return click.option(
        "--drugs",
        multiple=True,
        metavar="A,B",
        help=f"{what} May be repeated; the name of a drug may have a comma.",
    )


#: ``--profile KIND=STABLE_ID``, for `study.profiles.parse_profiles`.
profile_option = click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="KIND=STABLE_ID",
    help="Profile to read where the study has several: expression, rppa, copy_number, mutation or "
    "fusion, and its stable_id. May be repeated.  [default: RNA-seq before microarray, levels "
    "before z-scores, log2 before linear before calls]",
)


def _given(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Values of a repeatable option without empty ones, as a workflow's unset parameters are."""
    return tuple(value for value in values if value.strip())


def repeatable(*names: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """An option that may be given several times; empty values count as not given."""
    return click.option(*names, multiple=True, metavar=metavar, help=text, callback=_given)


#: ``--where ATTRIBUTE=VALUE``, for `features.cohorts.choose_cohort`.
where_option = repeatable(
    "--where",
    metavar="ATTRIBUTE=VALUE",
    text="Only samples of which a clinical attribute, her2 (high, not high) or lineage says so: "
    "'HER2_STATUS=Positive', 'STAGE!=IV', 'PAM50=LumA,LumB', 'AGE<50' (< <= > >= for numbers; NA "
    "for no value). May be repeated; all must hold.",
)
#: ``--group NAME``, for `features.cohorts.group_labels`.
group_option = click.option(
    "--group",
    metavar="her2|lineage|ATTRIBUTE",
    help="Tell results by group, too: HER2-high or not, lineage, or the values of a clinical "
    "attribute.",
)
