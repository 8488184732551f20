"""Where is a file of a release, and what is its checksum? In the release's own list of files.

figshare, where DepMap's and PRISM's releases lie, gives the files of an article as JSON: name,
size, address and MD5 of each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidestep.features.errors import InputError, some

#: Bytes that a list of files may have.
MOST: Final = 2**24


@dataclass(frozen=True)
class Listed:
    """A file as the list of its release has it; `check` is a digest, or empty."""

    address: str
    check: str


def listed_file(listing: Path, name: str, address: str) -> Listed:
    """Address and checksum of the file `name` in a list that came from `address`.

    Raises
    ------
    InputError
        If it is no such list, or lacks the file.
    """
    try:
        rows: Any = json.loads(listing.read_bytes())
        files = {str(row["name"]): row for row in rows}
        if name in files:
            row = files[name]
            md5 = str(row.get("computed_md5") or row.get("supplied_md5") or "").lower()
            return Listed(str(row["download_url"]), f"md5:{md5}" if md5 else "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InputError(
            f"{address} is no list of files as figshare gives it; fetch {name} by hand from its "
            "release, and give its folder with --from"
        ) from None
    raise InputError(
        f"{address} lists no {name} (it has {some(sorted(files)) or 'nothing'}); fetch it by hand "
        "from its release, and give its folder with --from"
    )
