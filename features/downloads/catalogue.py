"""What is there to fetch: a data set a row, with licence, citation, official address and check.

The addresses are those that their makers publish; none could be opened where the table was made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from sidestep.features.errors import InputError
from sidestep.features.knowledge.rows import KnowledgeRow, KnowledgeTable, keyed

#: A study folder; a file that stays as it is; a database that ``score`` draws on.
STUDY, TABLE, KNOWLEDGE = "study", "table", "knowledge"
#: How a download is checked: by a digest (``sha256:…``, ``md5:…``), by the one in the listing of
#: its release, by the checksums within an archive, or by its length alone.
LISTING, ARCHIVE = "listing", "archive"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")
_FILE = re.compile(r"[\w][\w.-]*")
_STUDY_ID: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
_DATAHUB: Final = "https://datahub.assets.cbioportal.org"
_DATAHUB_LICENSE: Final = ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/")
_CBIOPORTAL: Final = "DOI:10.1158/2159-8290.CD-12-0095"


@dataclass(frozen=True)
class Entry:
    """A data set that can be fetched.

    Attributes
    ----------
    name : str
        What the user calls it.
    kind : str
        ``"study"``, ``"table"`` or ``"knowledge"``.
    holds : str
    size : str
        As people say it; empty where only the server knows.
    file : str
        Name of the file at its maker's, and in a mirror.
    saved_as : str
        Name that it gets; a ZIP archive whose file has another ending is unpacked to it.
    address : str
        Official address: of the file, or of its release's list of files (check ``"listing"``);
        empty where there is none that Sidestep can read.
    check : str
        ``sha256:…``, ``md5:…``, ``"listing"``, ``"archive"``, or empty: the length alone.
    license, license_address : str
    source : str
        Publication to cite.
    """

    name: str
    kind: str
    holds: str
    size: str
    file: str
    saved_as: str
    address: str
    check: str
    license: str
    license_address: str
    source: str

    @property
    def asks_for_consent(self) -> bool:
        """Whether its licence has to be accepted: public-domain dedications ask for nothing."""
        return not self.license.startswith("CC0")


def _entry(row: KnowledgeRow) -> Entry:
    check = row["check"]
    if check not in ("", LISTING, ARCHIVE) and not _DIGEST.fullmatch(check):
        raise row.problem("check", "is no digest and none of listing, archive")
    for column in ("file", "saved_as"):
        if row[column] and not _FILE.fullmatch(row[column]):
            raise row.problem(column, "is no plain name of a file")
    for column in ("address", "license_address"):
        if row[column] and not row[column].startswith("https://"):
            raise row.problem(column, "is no https address")
    return Entry(
        name=row["name"],
        kind=row.choice("kind", (STUDY, TABLE, KNOWLEDGE)),
        holds=row["holds"],
        size=row["size"],
        file=row["file"],
        saved_as=row["saved_as"] or row["file"],
        address=row["address"],
        check=check,
        license=row["license"],
        license_address=row["license_address"],
        source=row["source"],
    )


#: Name -> what can be fetched under it.
DOWNLOAD_TABLE = KnowledgeTable(
    "downloads.tsv",
    (
        "name", "kind", "holds", "size", "file", "saved_as", "address", "check", "license",
        "license_address", "source",
    ),
    keyed("name", _entry),
    may_be_blank=frozenset({"size", "saved_as", "address", "check"}),
)  # fmt: skip


def find_entries(names: Sequence[str]) -> list[Entry]:
    """Data sets of these names, each once; any other study of cBioPortal goes by its id.

    Examples
    --------
    >>> [entry.address for entry in find_entries(["brca_igr_2015"])]
    ['https://datahub.assets.cbioportal.org/brca_igr_2015.tar.gz']

    Raises
    ------
    InputError
        If a name is neither in the catalogue nor could be the id of a study.
    """
    return [_find(name) for name in dict.fromkeys(name.strip().lower() for name in names)]


def nearest_names(name: str) -> str:
    """The end of a sentence that suggests names of the catalogue: ``"did you mean gdsc2?"``."""
    near = get_close_matches(name, DOWNLOAD_TABLE.load(), n=2)
    return f"did you mean {' or '.join(near)}?" if near else "`sidestep data list` names them all."


def _find(name: str) -> Entry:
    known = DOWNLOAD_TABLE.load()
    if name in known:
        return known[name]
    if not _STUDY_ID.fullmatch(name):
        raise InputError(
            f"{name!r} is no data set of the catalogue and no id of a cBioPortal study; "
            f"{nearest_names(name)}"
        )
    file = f"{name}.tar.gz"
    return Entry(
        name, STUDY, "a study of the cBioPortal datahub", "", file, file, f"{_DATAHUB}/{file}",
        ARCHIVE, *_DATAHUB_LICENSE, _CBIOPORTAL,
    )  # fmt: skip
