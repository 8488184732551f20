"""A resistant minority of single cells is seen by `score`, with its size."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

import sidestep
from sidestep.features.study.study import Study
from sidestep.main import main


def write_cells(path: Path, levels: pd.DataFrame, sizes: dict[str, int]) -> None:
    """Counts of cells of some lines as AnnData writes them. Simulated."""
    rng = np.random.default_rng(0)
    counts, clusters = [], []
    for line, size in sizes.items():
        amounts = 2 ** levels.loc[line].to_numpy(float)
        depth = rng.uniform(3000, 6000, (size, 1))
        counts.append(rng.poisson(depth * amounts / amounts.sum()).astype(np.float32))
        clusters += [line] * size
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        for axis, names in (("obs", [f"c{n}" for n in range(len(clusters))]), ("var", levels)):
            group = file.create_group(axis)
            group.attrs["_index"] = "_index"
            group.create_dataset("_index", data=[str(name) for name in names], dtype=text)
        categories = sorted(sizes)
        leiden = file["obs"].create_group("leiden")
        leiden.create_dataset("categories", data=categories, dtype=text)
        leiden.create_dataset("codes", data=[categories.index(name) for name in clusters])
        file.create_dataset("X", data=np.concatenate(counts))


@pytest.mark.slow
def test_a_resistant_minority_is_scored_by_itself(
    lines: Study, model_folder: Path, tmp_path: Path
) -> None:
    known = lines.expression
    assert known is not None
    known = known.dropna()
    plain = sidestep.score(Study.from_frames(expression=known), model_folder, ["Lapatinib"])
    alone = plain.scores.set_index("sample_id")["resistance_percentile"].sort_values()
    sensitive, resistant = alone.index[0], alone.index[-1]
    source, out = tmp_path / "tumour.h5ad", tmp_path / "cells"
    write_cells(source, known, {sensitive: 270, resistant: 30})
    assert main(["cells", str(source), "--out", str(out), "--no-plots"]) == 0
    clusters = sidestep.read_study(out / "clusters")
    minority = clusters.clinical.loc[f"tumour_{resistant}"]
    assert minority[["CELLS", "CELL_SHARE"]].tolist() == ["30", "0.1"]
    assert set(clusters.donors) == {"tumour"}
    scored = sidestep.score(clusters, model_folder, ["Lapatinib"]).scores
    percentile = scored.set_index("sample_id")["resistance_percentile"]
    # Each cluster is answered as its line; the whole sample hides the minority.
    for line in (sensitive, resistant):
        assert abs(percentile[f"tumour_{line}"] - alone[line]) < 15
    assert percentile["tumour"] < percentile[f"tumour_{resistant}"] - 25
    assert abs(percentile["tumour"] - percentile[f"tumour_{sensitive}"]) < 15
