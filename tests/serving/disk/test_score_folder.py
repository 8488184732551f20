"""Memory that a score folder takes to be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sidestep.serving.disk.score_folder import ScoreFolder

GROUPS, ROWS = 40, 16_384


def test_what_has_been_read_is_not_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "scores.parquet"
    with pq.ParquetWriter(path, pa.schema({"prediction": pa.float64()})) as file:
        for _ in range(GROUPS):
            file.write_table(pa.table({"prediction": rng.standard_normal(ROWS)}))
    before, held, read = pa.total_allocated_bytes(), [], 0
    for piece in ScoreFolder(tmp_path, {}, pd.DataFrame())._rows(["prediction"]):
        held.append(pa.total_allocated_bytes() - before)
        read += len(piece)
    assert read == GROUPS * ROWS
    assert max(held) < path.stat().st_size / 4


def test_samples_that_are_not_looked_at_are_in_no_count(tmp_path: Path) -> None:
    """Nor is it seen where a group of rows ends, or in which order words were met."""
    samples = [f"S{n}" for n in (3, 1, 2, 0)]
    rows = [
        (sample, drug, call, percentile, "PCR", None)
        for n, sample in enumerate(samples)
        for drug, call, percentile in [("B", "resistant", 90.0 + n), ("A", "abstain", None)]
    ]
    names = ["sample_id", "drug", "call", "resistance_percentile", "her2", "her2_assay"]
    table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], names)
    for size in (2, 3, 8):
        pq.write_table(table, tmp_path / "scores.parquet", row_group_size=size)
        whole = ScoreFolder(tmp_path, {}, pd.DataFrame())
        part = ScoreFolder(tmp_path, {}, pd.DataFrame(), frozenset(["S2", "S3"]))
        assert list(whole.summary.samples) == samples
        assert whole.summary.resistance.tolist() == [90.0, 91.0, 92.0, 93.0]
        assert list(part.summary.samples) == ["S3", "S2"]
        assert {drug: counts[[9, 10]].tolist() for drug, counts in part.summary.bins.items()} == {
            "B": [2, 0], "A": [0, 2],
        }  # fmt: skip
        assert part.calls().to_dict("list") == {
            "drug": ["B", "A"], "group": ["", ""], "resistant": [2, 0], "sensitive": [0, 0],
            "uncertain": [0, 0], "abstain": [0, 2],
        }  # fmt: skip
        groups = part.calls({"S0": "left", "S2": "right", "S3": "left"})
        assert groups["group"].tolist() == ["left", "right"] * 2
        assert groups["resistant"].tolist() == [1, 1, 0, 0]
