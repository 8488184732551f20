"""A score folder that somebody has put together is never waited for and fills no memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidestep.features.errors import InputError
from sidestep.serving.report.writing import write_report

FolderMaker = Callable[..., Path]


@pytest.mark.parametrize("name", ["manifest.json", "scores.parquet", "evidence.parquet"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_plain_file_is_refused(make_folder: FolderMaker, name: str, kind: str) -> None:
    folder = make_folder()
    (folder / name).unlink()
    if kind == "pipe":
        os.mkfifo(folder / name)
    elif kind == "device":
        (folder / name).symlink_to("/dev/zero")
    else:
        (folder / name).mkdir()
    with pytest.raises(InputError, match=rf"{name}( is not a plain file| cannot be read| of sid)"):
        write_report(folder)


def test_a_table_of_more_rows_than_its_size_accounts_for_is_refused(
    make_folder: FolderMaker,
) -> None:
    folder = make_folder()
    table = pq.read_table(folder / "scores.parquet").slice(0, 1)
    many = table.take(np.zeros(70_000, int))
    pq.write_table(many, folder / "scores.parquet")
    with pytest.raises(InputError, match=r"scores.parquet has 70,000 rows, which its size"):
        write_report(folder)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("model", [], "it/model is no record"),
        ("counts", {"samples": -1}, "it/counts/samples is out of range"),
        ("quarantined", {"S": 1}, "it/quarantined/S is no text"),
        ("options", {"level": "0.8"}, "it/options/level is no number"),
        ("drugs", [{}], "it/drugs lacks name"),
        ("drugs", [], "it/drugs has 0 entries"),
    ],
)
def test_a_manifest_of_other_things_is_one_sentence(
    make_folder: FolderMaker, part: str, value: Any, said: str
) -> None:
    folder = make_folder()
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {part: value}))
    with pytest.raises(InputError, match=rf"manifest.json is damaged \({said}\); score the study"):
        write_report(folder)


@pytest.mark.parametrize("text", ["[" * 100_000, "\xff", '{"kind": "sidestep scores"', "null"])
def test_a_manifest_that_is_no_record_is_none(make_folder: FolderMaker, text: str) -> None:
    folder = make_folder()
    (folder / "manifest.json").write_bytes(text.encode("latin1"))
    with pytest.raises(InputError, match=r"holds no manifest.json of sidestep score"):
        write_report(folder)


def test_columns_of_another_kind_are_refused(make_folder: FolderMaker) -> None:
    folder = make_folder()
    table = pq.read_table(folder / "mechanisms.parquet")
    numbers = pa.array(np.arange(len(table)))
    at = table.schema.names.index("sample_id")
    pq.write_table(table.set_column(at, "sample_id", numbers), folder / "mechanisms.parquet")
    with pytest.raises(InputError, match=r"has a column sample_id of int64, not text; score the"):
        write_report(folder)
