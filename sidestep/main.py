"""What does `sidestep VERB …` run, and how does it say what went wrong?

A verb's module is imported when the verb is called, so `sidestep --help` answers at once.
Every failure ends as one sentence on standard error and an exit code:

====  ==========================================================================
code  meaning
====  ==========================================================================
0     done
1     the verb found errors in the study, or something unforeseen happened
2     the command line or what it names must be mended (`exit_code` of the error)
3     scores are written, and hold what `--fail-on` names
130   interrupted from the keyboard
141   whoever read the output stopped reading
143   asked to end (SIGTERM), and ended cleanly
====  ==========================================================================
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

import click

from sidestep import __version__
from sidestep.features.terminal import EscapedStream, shown

INTERRUPTED = 130
OUTPUT_CLOSED = 141
TERMINATED = 143


class TerminatedError(KeyboardInterrupt):
    """The process is asked to end; it undoes what an interrupt undoes."""


class Verb(NamedTuple):
    """Where a verb lives, and its line in `sidestep --help`."""

    module: str
    attribute: str
    summary: str


# In the order in which a study is worked through.
VERBS = {
    "data": Verb("training.cli.data", "data", "Fetch public data; bring studies into folders."),
    "check": Verb("serving.cli.check", "check", "Say what a study holds, and what is wrong."),
    "fit": Verb("training.cli.fit", "fit", "Fit curves to plates; write them as a study."),
    "shift": Verb("training.cli.shift", "shift", "Compare curves between conditions or genotypes."),
    "synergy": Verb("training.cli.synergy", "synergy", "Judge pairs of drugs in dose matrices."),
    "perturb": Verb(
        "training.cli.perturb", "perturb", "Say what drugs do to pathways on protein arrays."
    ),
    "cells": Verb("training.cli.cells", "cells", "Say what cells, and labels on them, tell."),
    "pairs": Verb(
        "training.cli.pairs", "pairs", "Say what changed between two biopsies of each patient."
    ),
    "train": Verb(
        "training.cli.train", "train", "Learn a drug response; judge it on held-out lines."
    ),
    "compare": Verb("training.cli.compare", "compare", "Say whether one run beats another."),
    "promote": Verb("training.cli.lifecycle", "promote", "Put a registered version in use."),
    "rollback": Verb("training.cli.lifecycle", "rollback", "Put the version before it in use."),
    "models": Verb("training.cli.models", "models", "List the registered models."),
    "reference": Verb(
        "serving.cli.reference", "reference", "Keep tumours with a model, to answer others among."
    ),
    "score": Verb("serving.cli.score", "score", "Predict and explain every sample of a study."),
    "evaluate": Verb(
        "training.cli.evaluate", "evaluate", "Hold a model against responses measured elsewhere."
    ),
    "explain": Verb("serving.cli.explain", "explain", "Say why, and what if it were different."),
    "report": Verb("serving.cli.report", "report", "Draw scores for people, as HTML or PDF."),
    "combine": Verb("serving.cli.combine", "combine", "Name partners for drugs that will fail."),
    "screen": Verb("training.cli.screen", "screen", "Ask which genes go with survival."),
    "ui": Verb("training.cli.ui", "ui", "Look at the runs and models in the MLflow pages."),
    "simulate": Verb(
        "training.cli.simulate", "simulate", "Write a made-up study with known mechanisms."
    ),
    "demo": Verb("demo", "demo", "Simulate, train and score, start to end."),
}


class LazyVerbs(click.Group):
    """A command group that knows its verbs by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the verb's module and return its command, or None for an unknown verb."""
        if cmd_name not in VERBS:
            return None
        verb = VERBS[cmd_name]
        command: click.Command = getattr(import_module(f"sidestep.{verb.module}"), verb.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs with their lines from the table: nothing is imported for it."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.summary) for name, verb in VERBS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb and its arguments; a mistyped verb gets the nearest one suggested."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            near = get_close_matches(name.lower(), VERBS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(VERBS)}."
            raise click.UsageError(f"there is no verb {name!r}; {hint}", ctx)
        found, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, click.Group) and rest and rest[0] in command.commands:
            word, *rest = rest
            return found, command, [word, *without_empty_options(command.commands[word], rest)]
        return found, command, rest if command is None else without_empty_options(command, rest)


def without_empty_options(command: click.Command, args: Sequence[str]) -> list[str]:
    """Drop the options whose value is the empty string: such an option counts as not given.

    An MLflow project passes every parameter that it declares, so 'not given' has to be said by
    `--drugs ''`. Flags take no value and are left alone.
    """
    valued = {
        spelling
        for option in command.params
        if isinstance(option, click.Option) and not option.is_flag and not option.count
        for spelling in option.opts
    }
    kept: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*kept, word, *rest]
        if word in valued and rest:
            value = rest.pop(0)
            if value != "":
                kept += [word, value]
        elif not (word.endswith("=") and word[:-1] in valued):
            kept.append(word)
    return kept


@click.command(
    cls=LazyVerbs,
    no_args_is_help=True,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sidestep")
def cli() -> None:
    """Predict which tumours and cell lines will sidestep a drug, and say why, sample by sample.

    STUDY is everywhere a folder in the cBioPortal staging format. Every verb has its own --help.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    args : sequence of str, optional
        The words after `sidestep`; those of the process if not given.

    Returns
    -------
    int
        The exit code, as the module's table has it.
    """
    if args is None:
        _spare_collections()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _terminate)
    # A hospital's batch job tells nobody what it does, and needs no git.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with _escaped_output():
        return _answered(list(sys.argv[1:] if args is None else args))


@contextmanager
def _escaped_output() -> Iterator[None]:
    """Let nothing that a name holds steer the terminal (`features.terminal`)."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = EscapedStream(out), EscapedStream(err, returns=True)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


def _terminate(number: int, frame: object) -> None:
    """End as an interrupt does; once asked, the process is not disturbed in what it undoes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise TerminatedError


def _answered(args: list[str]) -> int:
    """Run the command line, and say what went wrong; return the exit code."""
    try:
        code = _run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, where it could only complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OUTPUT_CLOSED
    except TerminatedError:
        return _fail("ended before it was done, as asked; run the same command again.", TERMINATED)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted before it was done; run the same command again.", INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        return _fail(_usage_sentence(error), error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except Exception as error:
        exit_code = getattr(error, "exit_code", None)
        if isinstance(exit_code, int):
            return _fail(str(error), exit_code)
        return _fail(_unforeseen_sentence(error), 1)
    return code


def _spare_collections() -> None:
    """Let a process that ends with its command look less often for objects in circles.

    A model is a million objects that stay. To go through them as often as Python does by default,
    and once more at the end, takes a sixth of the time of scoring a few samples.
    """
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)


def _run(args: list[str]) -> int:
    """Parse and run, without click's own wording of failures; return the exit code."""
    try:
        with cli.make_context("sidestep", args) as ctx:
            cli.invoke(ctx)
    except click.exceptions.Exit as done:
        return done.exit_code
    return 0


def _usage_sentence(error: click.UsageError) -> str:
    """Word a mistake on the command line, and say where the right way stands."""
    where = error.ctx.command_path if error.ctx is not None else "sidestep"
    message = error.format_message().rstrip()
    return f"{message} See `{where} --help`."


def _unforeseen_sentence(error: Exception) -> str:
    """Word an error that no verb foresaw: what Python says, and how to see where."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        what = f"{error.strerror}: {os.fspath(error.filename)!r}"
    else:
        what = f"{type(error).__name__}: {error}"
    return f"{what.rstrip('.')} (set SIDESTEP_TRACEBACK=1 to see where it comes from)."


def _fail(sentence: str, code: int) -> int:
    """Say on standard error what went wrong, on one line, and hand back the exit code."""
    if os.environ.get("SIDESTEP_TRACEBACK") == "1" and sys.exc_info()[0] is not None:
        import traceback

        traceback.print_exc()
    click.echo(shown(f"sidestep: error: {' '.join(sentence.split())}"), err=True)
    return code
