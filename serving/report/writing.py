"""A report as files: which samples stand on which page, each page written once it is full.

Of a study of many thousand samples, the report sums up all, and draws the most resistant ones. A
page holds as many samples as keep it below five megabytes; what does not fit goes on
``report-2.html`` and so on. Each page is written as soon as it is full, and the first one last,
because it lists the others: of the explanations, no more than two pages' are in memory at once.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from sidestep.features.cohorts import Known, group_labels
from sidestep.features.errors import InputError
from sidestep.features.files.owned import plain_bytes
from sidestep.features.files.whole import write_whole
from sidestep.serving.disk.output import (
    ADDED_KEY,
    FILES_KEY,
    Key,
    listed_files,
    own_file,
    remove_own_files,
)
from sidestep.serving.disk.score_folder import ScoreFolder, read_score_folder
from sidestep.serving.report.contents import Common, PageContents, RowNumbers
from sidestep.serving.report.json_text import script_json
from sidestep.serving.report.overview import Overview, overview
from sidestep.serving.report.page import PageLink, Place, fixed_size, render_page
from sidestep.serving.report.tracks import Track, chosen, tracks_of

REPORT = "report.html"
#: What every page says of itself, HTML or PDF.
MAKER = "Sidestep report"
_LARGEST_PAGE = 64 * 2**20
#: Bytes at which a page is full: below five megabytes with its tables and its last sample.
_ROOM = 4_600_000
#: Samples whose numbers are rounded at once.
_SAMPLES_AT_A_TIME = 32
#: More rows than this make a heat map slow.
_MOST_ON_A_PAGE = 500
#: Samples of which all are drawn, and how many are drawn of more than these.
MOST_SAMPLES, MOST_RESISTANT = 2000, 500
_LATER_PAGE = re.compile(r"report-\d+\.html")
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class View:
    """What a report shows of its samples.

    Attributes
    ----------
    where : sequence of str
        Filters of the samples (`features.cohorts.choose_cohort`).
    group : str or None
        What calls are counted by, and samples grouped by at first, as
        `features.cohorts.group_labels` takes it; what was asked of `sidestep score` by default.
    tracks : sequence of str
        Attributes beside the heat map (`serving.report.tracks.tracks_of`); those that tell most by
        default.
    """

    where: Sequence[str] = ()
    group: str | None = None
    tracks: Sequence[str] = ()


EVERYTHING = View()


def write_report(folder: Path, most: int = MOST_SAMPLES, view: View = EVERYTHING) -> list[str]:
    """Write ``report.html``, and more pages for a large study, into a score folder.

    Each file appears whole or not at all. The same scores give the same bytes.

    Parameters
    ----------
    folder : Path
        As `sidestep score` writes it; an earlier report there is replaced, as it was written.
    most : int
        Samples whose pages are drawn, all of them; of more, those `MOST_RESISTANT` are that have
        the highest mean percentile over the drugs that they have a call for.
    view : View

    Returns
    -------
    list of str
        Names of the files, ``report.html`` first.

    Raises
    ------
    InputError
        If the folder is none, was written by an older version, or holds a page that Sidestep did
        not write or that was changed since; if a filter, group or track cannot be met.
    OSError
        If a file cannot be written.
    """
    scores = read_score_folder(folder).narrowed(view.where)
    summary = scores.summary
    drawn = list(summary.samples)
    if len(drawn) > most:
        drawn = summary.most_resistant(min(most, MOST_RESISTANT))
    groups = _groups(scores, view.group)
    tracks = _tracks(scores, view, drawn, groups)
    shown = overview(scores, len(drawn), summary, groups)
    total = len(drawn)
    first: PageContents | None = None
    links: list[PageLink] = []
    elsewhere: list[tuple[str, list[str]]] = []
    before = 0
    for number, contents in enumerate(_pages(scores, shown, drawn, tracks), start=1):
        file, held = page_name(number), contents.names
        links.append(PageLink(file, held[0], held[-1], len(held)))
        if first is None:
            first = contents
        else:
            elsewhere.append((file, held))
            following = page_name(number + 1) if before + len(held) < total else None
            place = Place(number, before, total, page_name(number - 1), following)
            _write(folder, file, render_page(shown, contents, place))
        before += len(held)
    if first is not None:
        place = Place(1, 0, total)
        if elsewhere:
            place = Place(
                1, 0, total, next=page_name(2), pages=links, elsewhere=script_json(elsewhere)
            )
        _write(folder, REPORT, render_page(shown, first, place))
    written = [link.file for link in links]
    _remove_later_pages(folder, written)
    return written


def write_sample_page(folder: Path, sample: str, out: Path | None = None) -> Path:
    """Write the page of a single sample; ``report-ID.html`` in the folder by default.

    Raises
    ------
    InputError
        If the folder cannot be read, or the sample was not scored.
    OSError
        If the file cannot be written.
    """
    scores = read_score_folder(folder)
    tracks = _tracks(scores, EVERYTHING, [sample], None)
    common = Common(scores, tracks, scores.partners([sample]))
    contents, one = PageContents(common), scores.one_sample(sample)
    contents.add(one, RowNumbers([one], common))
    page = render_page(overview(scores, 1), contents, Place(1, 0, 1))
    return write_beside(folder, sample_file(sample, ".html"), out, page)


def write_beside(folder: Path, name: str, out: Path | None, content: bytes) -> Path:
    """Write a page of its own to `out`, or into the score folder; give back where it is.

    Raises
    ------
    InputError
        If a file of that name is in the folder that Sidestep did not write or that was changed
        since, or one is at `out` that is no page of Sidestep.
    OSError
        If it cannot be written.
    """
    if out is None:
        _write(folder, name, content, ADDED_KEY)
        return folder / name
    require_page(out)
    write_whole(out, content)
    return out


def require_page(out: Path) -> None:
    """Refuse to replace a file that is no page of Sidestep."""
    if not os.path.lexists(out):
        return
    page = b""
    with suppress(ValueError):
        page = plain_bytes(out, _LARGEST_PAGE)
    if not page.startswith((b"<!doctype html>", b"%PDF")) or MAKER.encode() not in page:
        raise InputError(
            f"{out} is there already, and is no page of sidestep report; give --out another file"
        )


def _write(folder: Path, name: str, page: bytes, key: Key = FILES_KEY) -> None:
    with own_file(folder, name, key) as new:
        new.write_bytes(page)


def page_name(number: int) -> str:
    """File of a page, the first being 1."""
    return REPORT if number == 1 else f"report-{number}.html"


def sample_file(sample: str, ending: str) -> str:
    """A file name for a sample, whatever signs are in its identifier.

    An identifier that is no plain file name, or could be taken for the number of a page, gets a
    part of its digest, so that no two samples share a file.
    """
    if _PLAIN.fullmatch(sample) and not sample.isdigit():
        return f"report-{sample}{ending}"
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", sample)[:60]
    return f"report-{plain}-{hashlib.sha256(sample.encode()).hexdigest()[:8]}{ending}"


def _groups(scores: ScoreFolder, group: str | None) -> pd.Series | None:
    """Groups of the samples that are shown: those asked for now, or when they were scored."""
    if group is not None:
        return group_labels(_shown(scores), group)
    asked = scores.manifest.get("cohort", {}).get("group")
    if asked is None or not scores.tells_of_samples:
        return None
    with suppress(InputError):  # of a part of the samples there may be nothing to tell apart
        return group_labels(_shown(scores), asked)
    return None


def _shown(scores: ScoreFolder) -> Known:
    """What is known of the samples that are looked at."""
    return scores.known if scores.only is None else scores.known.select(scores.samples)


def _tracks(
    scores: ScoreFolder, view: View, drawn: Sequence[str], groups: pd.Series | None
) -> list[Track]:
    """Tracks of the samples that are drawn; what they are grouped by is one of them."""
    if not scores.tells_of_samples and not view.tracks:
        return []
    if len(drawn) == 1:
        return tracks_of(scores.known, view.tracks)
    known = _shown(scores).select(drawn)
    grouped = [] if groups is None else [str(groups.name)]
    names = [*grouped, *(view.tracks or chosen(known))]
    return tracks_of(known, list(dict.fromkeys(names)))


def _pages(
    scores: ScoreFolder, shown: Overview, drawn: list[str], tracks: Sequence[Track]
) -> Iterator[PageContents]:
    """The samples in study order, as many on a page as fit."""
    common = Common(scores, tracks, scores.partners(drawn))
    contents = PageContents(common)
    # The first page also has to name all samples, and every page the quarantined ones.
    named = {**scores.manifest, "quarantined": shown.quarantined}
    shared = fixed_size() + len(script_json(named).encode())
    taken = shared + len(script_json(drawn).encode())
    samples = scores.each_sample(frozenset(drawn))
    while some := [*islice(samples, _SAMPLES_AT_A_TIME)]:
        numbers = RowNumbers(some, common)
        for sample in some:
            contents.add(sample, numbers)
            if taken + contents.size >= _ROOM or len(contents.names) == _MOST_ON_A_PAGE:
                yield contents
                contents, taken = PageContents(common), shared
    if contents.names:
        yield contents


def _remove_later_pages(folder: Path, written: list[str]) -> None:
    """Remove pages of an earlier, longer report."""
    later = [
        name for name in listed_files(folder) if _LATER_PAGE.fullmatch(name) and name not in written
    ]
    if later:
        remove_own_files(folder, later)
