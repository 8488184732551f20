"""Options that the verbs of plates share: what a table does not say of itself, and how to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sidestep.features.assays.tidy import Given

_GIVEN = (
    click.option("--unit", default="", help="Unit of the doses, where the plates do not tell it."),
    click.option("--drug", default="", help="Drug, where the plates do not name it."),
    click.option("--sample", default="", help="Sample, where the plates do not name it."),
    click.option(
        "--values",
        default="",
        metavar="KIND",
        help="What the values are: signal, viability, percent_viability, inhibition, "
        "percent_inhibition or activity.  [default: by the column's name]",
    ),
)
_WEIGHT = click.option("--least-squares", is_flag=True, help="Give outliers full weight.")


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add to a verb the options of what a table does not say of itself."""
    for option in reversed(_GIVEN):
        command = option(command)
    return command


def plate_options(parameters: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options to a verb, with its own default for the number of parameters."""
    fitted = click.option(
        "--parameters",
        type=click.Choice(["3", "4"]),
        default=parameters,
        show_default=True,
        help="Parameters of a curve: with 4 the upper plateau is fitted, too.",
    )

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        return table_options(fitted(_WEIGHT(command)))

    return add


def given_of(unit: str, drug: str, sample: str, values: str) -> Given:
    """What the user says of the tables.

    Raises
    ------
    InputError
        If the unit or the kind of values is unknown.
    """
    from sidestep.features.assays.tidy import Given

    return Given(unit=unit, drug=drug, sample=sample, values=values)


def range_of(text: str, option: str) -> tuple[float, float]:
    """Two numbers joined by a comma.

    Raises
    ------
    click.BadParameter
        If the text is not that.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not two numbers joined by a comma, such as 0.005,5", param_hint=option
        ) from None
    return low, high
