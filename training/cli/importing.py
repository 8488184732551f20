"""The verb `data import`: tables of one's own, published files and archives become studies.

What takes time to import is imported when the verb runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sidestep.features.archives.archive import Imported
    from sidestep.features.originals.assembly import Made
    from sidestep.features.originals.parts import Source

#: Options of `data import` that say what a file holds.
_HOLDS = {
    "expression": "Expression: a table of genes and samples.",
    "rppa": "Protein levels by RPPA: a table of antibodies and samples.",
    "copy_number": "Copy number: a table of genes and samples.",
    "signatures": "Expression signatures: a table of scores and samples.",
    "mutations": "Mutations: a MAF or another table of calls, or of protein changes by gene.",
    "fusions": "Fusions: a row each, with a sample and two genes.",
    "clinical": "Clinical attributes: a row a sample.",
    "responses": "Drug responses: a table of drugs and samples.",
}


def _table_options(command: Callable[..., None]) -> Callable[..., None]:
    """An option a kind of table."""
    for kind, words in reversed(_HOLDS.items()):
        command = click.option(
            f"--{kind.replace('_', '-')}",
            kind,
            multiple=kind in ("clinical", "responses"),
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE",
            help=words,
        )(command)
    return command


# Click leaves the lines of a paragraph alone that begins with \b.
_EPILOG = "\n".join([
    "\b",
    "Your own tables, each with an option that says what it holds:",
    "  sidestep data import --expression tpm.csv --unit TPM --mutations calls.maf mine",
    "A mapping file that says the same (docs, 'Public data'):",
    "  sidestep data import study.toml mine",
    "Published files, told by their columns: responses of GDSC, CTRPv2, PRISM and CCLE,",
    "CCLE's RPPA, DepMap's tables (with Model.csv the lines get their names):",
    "  sidestep data import OmicsExpressionProteinCodingGenesTPMLogp1.csv Model.csv lines",
    "A study as .tar.gz, .tgz, .tar or .zip:",
    "  sidestep data import study.tar.gz mine",
])  # fmt: skip


@click.command(
    "import",
    epilog=_EPILOG,
    short_help="Make a study of your own tables, published files, an archive.",
)
@click.argument("paths", nargs=-1, required=True, metavar="[SOURCE]... OUT")
@_table_options
@click.option("--unit", default="", help="Unit of the expression: TPM, counts, 'log2(TPM+1)' ...")
@click.option("--rppa-unit", default="", help="log2, linear or z-score.  [default: log2]")
@click.option(
    "--copy-number-unit",
    default="",
    help="log2 ratio, calls, copy ratio, 'log2(copy ratio+1)' or 'absolute copy number'.",
)
@click.option(
    "--samples",
    type=click.Choice(["columns", "rows"]),
    help="Where the samples of tables are.  [default: told by the names]",
)
@click.option(
    "--sequenced",
    default="",
    metavar="all|FILE",
    help="Samples whose mutations were tested.  [default: those with a call]",
)
@click.option("--response-unit", default="", help="Such as 'ln IC50, micromolar'.")
@click.option(
    "--direction",
    type=click.Choice(["high-is-resistant", "high-is-sensitive"]),
    help="What a high response means.  [default: told by the unit]",
)
@click.option(
    "--probes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Table from the names of rows to gene symbols, such as an array's probes.",
)
@click.option(
    "--pseudo-bulk",
    default="",
    metavar="COLUMN",
    help="Column of single cells that names their sample: counts are summed by it.",
)
@click.option(
    "--cells",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Table of 10x's cells by barcode, with that column.",
)
@click.option("--id", "study_id", default="", help="Of the study.  [default: the folder's name]")
@click.option("--name", default="", help="Name of the study.  [default: its identifier]")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def import_(paths: tuple[str, ...], study_id: str, name: str, quiet: bool, **said: Any) -> None:
    """Make a study in the new folder OUT of your own tables, of published files, or of an archive.

    Whole or not at all: the study is read before it gets its name, and what is broken, unsafe or
    out of measure is refused with one sentence.
    """
    from sidestep.features.archives.archive import import_archive, is_study_archive
    from sidestep.features.originals.tables import import_tables
    from sidestep.features.progress import Reporter, percent

    # An MLflow project says '' for a source that is not given.
    *given, out = (Path(path) for path in paths if path)
    sources = _sources(said)
    if not given and not sources:
        raise click.UsageError("give the files, and then OUT; --help shows how")
    with Reporter(quiet=quiet) as reporter:
        if len(given) == 1 and not sources and is_study_archive(given[0]):
            done = import_archive(given[0], out, percent(reporter, "unpacking"))
            lines = _account(done)
        else:
            made = import_tables(
                sources,
                out,
                given,
                study_id=study_id,
                name=name,
                pseudo_bulk=said["pseudo_bulk"],
                cells=said["cells"],
            )
            lines = _understood(made)
    for line in lines:
        click.echo(line)


def _sources(said: dict[str, Any]) -> list[Source]:
    """Files that options give, and what they say of each."""
    from sidestep.features.originals.mapping import direction_of, listed_samples
    from sidestep.features.originals.parts import ALL, Source

    units = {
        "expression": said["unit"],
        "rppa": said["rppa_unit"],
        "copy_number": said["copy_number_unit"],
        "responses": said["response_unit"],
    }
    listed = said["sequenced"]
    sequenced = ALL if listed == "all" else listed_samples(Path(listed)) if listed else None
    found = []
    for kind in _HOLDS:
        files = said[kind] or ()
        for path in files if isinstance(files, tuple) else (files,):
            found.append(
                Source(
                    kind,
                    path,
                    unit=units.get(kind, ""),
                    lie=said["samples"] or "",
                    name=path.name.partition(".")[0] if kind == "responses" else "",
                    higher_is_resistant=direction_of(said["direction"] or "", "--direction"),
                    sequenced=sequenced if kind == "mutations" else None,
                    probes=said["probes"] if kind == "expression" else None,
                )
            )
    return found


def _understood(made: Made) -> Iterator[str]:
    """What was understood of the files, and of the study that they make."""
    yield f"Imported into {made.folder}: {len(made.samples):,} samples"
    yield from (f"  {line}" for line in made.told)
    yield "What was understood of the study"
    for file in made.account:
        yield from (f"  {line}" for line in file.lines())
    for problem in made.problems:
        yield f"  {problem.severity}: {problem.message}"
    yield f"Next: sidestep check {made.folder}"


def _account(imported: Imported) -> Iterator[str]:
    from sidestep.features.errors import some
    from sidestep.features.files.limits import readable_size

    study = (
        f"study {imported.study_id}" if imported.study_id else "a study without a name of its own"
    )
    yield (
        f"Imported {study} into {imported.folder}: {imported.files:,} files, "
        f"{readable_size(imported.size)}"
    )
    if imported.packed:
        yield f"Left packed: {some(imported.packed)}"
    if imported.left_out:
        yield f"Left out: {imported.left_out:,} file(s) that macOS adds to archives"
    yield f"Next: sidestep check {imported.folder}"
