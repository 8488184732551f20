"""What the benchmark of growth makes of its measurements, and how it measures a process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.growth import on_clusters, projection, size
from benchmarks.growth_costs import Cell, CostModel, cluster_seconds, slopes


def cell(samples: int, drugs: int, noise: float = 1.0) -> Cell:
    """Three seconds to start, a drug's half, a tenth a sample, a hundredth a row."""
    cpu = 3 + 0.5 * drugs + 0.1 * samples + 0.01 * samples * drugs
    files = {"scores.parquet": 1000 + 60 * samples * drugs, "report.html": 4_000_000}
    return Cell(
        "score", samples, drugs, 2000, cpu, cpu * noise, 700.0, files, 2 * sum(files.values()),
        workers_cpu=4 * cpu, workers_peak=512.0,
    )  # fmt: skip


CELLS = [cell(n, 25) for n in (1000, 5000, 20_000)] + [cell(4000, n) for n in (1, 5, 50)]
CELLS.append(cell(1000, 50))


def test_a_known_cost_is_found_and_holds_at_another_size():
    model = CostModel.of(CELLS, lambda one: one.cpu)
    assert (model.start, model.per_drug) == (pytest.approx(3), pytest.approx(0.5))
    assert (model.per_sample, model.per_row) == (pytest.approx(0.1), pytest.approx(0.01))
    assert model.at(10**6, 50) == pytest.approx(cell(10**6, 50).cpu)
    assert model.beyond(10**6, 50) == 100
    flat = CostModel.of(CELLS, lambda one: one.peak)
    assert flat.at(10**6, 50) == pytest.approx(700)


def test_the_largest_error_at_what_was_measured_is_told():
    noisy = [*CELLS, cell(50_000, 25, noise=1.3)]
    assert 0.05 < CostModel.of(noisy, lambda one: one.cpu).error < 0.3


def test_slopes_over_all_sizes_and_between_the_two_largest():
    cells = [Cell("check", n, 1, 10, 0.0, 5 + n**1.5, 0.0) for n in (1, 10_000, 100_000)]
    whole, last = slopes(cells, "samples", lambda one: one.cpu)
    assert last == pytest.approx(1.5, abs=0.001)
    assert whole < last


def test_a_projection_tells_hours_memory_files_and_how_far_it_reaches():
    said = "\n".join(projection(CELLS, 10**6, 50))
    hours = cell(10**6, 50).cpu / 3600
    assert f"{hours:,.1f} CPU hours, 0.7 GiB" in said
    assert "100.0 times the most rows measured" in said
    assert "60.0 bytes a row" in said
    assert "2.0 times as much" in said
    assert "nothing follows" in projection([cell(1000, 5), cell(1000, 50)], 10**6, 50)[0]


def test_a_cluster_is_as_quick_as_its_client_at_best():
    assert cluster_seconds(10, 80, 4) == (20, 30)
    assert cluster_seconds(10, 80, 16) == (10, 15)
    assert "more than 4 workers wait for the client" in on_clusters(CELLS, 10**6, 50)[0]


def test_a_process_is_measured_without_the_memory_of_the_one_that_started_it():
    held = bytearray(300 * 2**20)
    held[:: 2**12] = b"x" * len(held[:: 2**12])
    command = [sys.executable, "-m", "benchmarks.processes", sys.executable, "-c", "exit(3)"]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    found = json.loads(ran.stdout)
    assert found["status"] == 3
    assert 1 < found["peak"] < 100
    assert found["seconds"] > 0


def test_sizes_are_read():
    assert size("1000000x50") == (1_000_000, 50)
