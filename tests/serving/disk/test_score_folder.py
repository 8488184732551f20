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
