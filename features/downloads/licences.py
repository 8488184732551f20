"""Under which licences may data be fetched? Those that the user has been shown and has accepted."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

from sidestep.features.downloads.catalogue import Entry
from sidestep.features.downloads.places import accepted_file
from sidestep.features.errors import InputError
from sidestep.features.files.whole import reason_of, write_whole


def require_accepted(entries: list[Entry], *, accept: bool) -> None:
    """Let data sets pass whose licences were accepted earlier, or are with `accept`.

    Raises
    ------
    InputError
        If one was not: it is named, with its address.
    """
    accepted = _accepted()
    new = {entry.license: entry for entry in entries if _is_new(entry, accepted)}
    if not new:
        return
    if not accept:
        named = "; ".join(
            f"{entry.license} ({entry.license_address}) for {entry.name}" for entry in new.values()
        )
        raise InputError(
            f"these data come under terms to be read first: {named}. If you accept them, say so "
            "once with --accept"
        )
    today = datetime.now(tz=UTC).date().isoformat()
    accepted |= {name: f"{entry.license_address} {today}" for name, entry in new.items()}
    path = accepted_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(accepted, indent=1, sort_keys=True) + "\n").encode())
    except OSError as failure:
        raise InputError(
            f"{path}, which keeps what you accepted, cannot be written ({reason_of(failure)}); see "
            "that it can be"
        ) from failure


def _is_new(entry: Entry, accepted: dict[str, str]) -> bool:
    return entry.asks_for_consent and entry.license not in accepted


def _accepted() -> dict[str, str]:
    """Licence -> its address and the day it was accepted; a broken file has accepted nothing."""
    with suppress(OSError, ValueError):
        held = json.loads(accepted_file().read_text(encoding="utf-8"))
        if isinstance(held, dict):
            return {str(name): str(when) for name, when in held.items()}
    return {}
