"""Planted dimers and cells without them are found, with their size; bad input is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.features.points.attributes import dimer_attributes
from sidestep.features.points.correlation import TRANSLATION, pairs_within
from sidestep.features.points.dimers import count_pairs, dimer_fraction, find_distance
from sidestep.features.points.labels import read_labels
from sidestep.features.points.measured import PointOptions
from sidestep.features.points.patterns import measure_patterns
from tests.features.points.made_up import FIELD, cells_of, planted, with_free_cells, written


def test_dimers_of_single_cells_are_found_and_counted() -> None:
    hits = []
    for seed in range(12):
        points = planted(1000, 0.3, np.random.default_rng(seed))
        pairs = pairs_within(points, FIELD, 200.0, (TRANSLATION,))
        once = pairs.weights[TRANSLATION] / 2
        dimer = find_distance(pairs.distances, once, 200.0)
        assert dimer is not None
        assert dimer.distance == pytest.approx(20, abs=2)
        counts = count_pairs([(pairs.distances, once)], [1000], dimer)
        estimate, lower, upper = dimer_fraction(counts, dimer)
        hits.append((abs(estimate[0] - 0.3) < 0.05, lower[0] <= 0.3 <= upper[0]))
    close, held = np.array(hits).sum(axis=0)
    assert close >= 10
    assert held >= 10


def test_random_labels_show_no_dimers() -> None:
    for seed in range(12):
        points = FIELD.draw(1000, np.random.default_rng(seed))
        pairs = pairs_within(points, FIELD, 200.0, (TRANSLATION,))
        assert find_distance(pairs.distances, pairs.weights[TRANSLATION] / 2, 200.0) is None


@pytest.mark.slow
def test_cells_without_dimers_are_found_with_their_share(tmp_path: Path) -> None:
    labels = read_labels([written(tmp_path, with_free_cells(80, 8, 250, seed=3))])
    found = measure_patterns(labels, PointOptions(simulations=0))
    groups = found.groups.set_index("state")
    whole = groups.loc[""]
    assert whole["dimer_free"] == pytest.approx(0.1, abs=0.03)
    assert whole["dimer_free_lower"] < 0.1 < whole["dimer_free_upper"] < 0.25
    assert whole["dimer_free_cells"] == "present"
    assert whole["dimerising_fraction"] == pytest.approx(0.3, abs=0.05)
    assert whole["dimer_distance"] == pytest.approx(20, abs=1)
    # g has its peak where the dimers are, and nothing farther out.
    curve = found.curves[found.curves["state"] == ""].set_index("r")["g_trans"]
    near = curve[(curve.index > 8) & (curve.index < 60)]
    assert near.idxmax() == pytest.approx(20, abs=3)
    assert curve[curve.index > 80].mean() == pytest.approx(1, abs=0.02)
    # All resting cells are without, none of the others is.
    assert groups.at["resting", "dimer_free_lower"] > 0.5
    assert groups.at["ruffled", "dimer_free_lower"] == 0
    free = found.cells.set_index("cell")["dimer_free_probability"] > 0.5
    assert free[:8].sum() >= 7
    assert free[8:].sum() <= 2
    attributes = dimer_attributes(found.groups)
    assert attributes.at["SKBR3", "DIMER_FREE_CELLS"] == "present"
    # Where all cells dimerise none is told to be without.
    shares = np.random.default_rng(5).beta(6, 14, 40).tolist()
    labels = read_labels([written(tmp_path, cells_of(shares, 250, 5))])
    whole = measure_patterns(labels, PointOptions(simulations=0)).groups.iloc[0]
    assert whole["dimer_free"] < 0.05
    assert whole["dimer_free_cells"] == "none shown"


def test_two_kinds_of_labels_are_held_against_each_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = []
    for cell in range(3):
        her2 = FIELD.draw(150, rng)
        angle = rng.uniform(0, 2 * np.pi, 150)
        her3 = her2 + 30 * np.column_stack([np.cos(angle), np.sin(angle)])
        for kind, points in (("HER2", her2), ("HER3", her3)):
            x, y = points.T / 1000
            parts.append(pd.DataFrame({"cell": cell, "type": kind, "x [µm]": x, "y [µm]": y}))
    found = measure_patterns(read_labels([written(tmp_path, pd.concat(parts))], sample="S"))
    cross = found.curves[found.curves["against"] == "HER3"].set_index("r")["g_trans"]
    assert cross[cross.index > 15].idxmax() == pytest.approx(30, abs=5)
    assert cross.max() > 3
    alone = found.groups[found.groups["against"] == ""].set_index("kind")
    assert alone["arrangement"].tolist() == ["random", "random"]
    assert found.dimers == {}
    assert "HER2_LABEL_ARRANGEMENT" in dimer_attributes(found.groups)


PLAIN = {"x_nm": "x", "y_nm": "y"}


def test_a_distance_that_is_told_is_looked_at_whatever_is_there(tmp_path: Path) -> None:
    labels = read_labels([written(tmp_path, cells_of([0.0] * 25, 150, 0))])
    row = measure_patterns(labels, PointOptions(dimer=20.0, simulations=0)).groups.iloc[0]
    assert row["dimer_lower"] == 0
    assert row["dimer_fraction"] < 0.03
    with pytest.raises(InputError, match="dimers at 20 nm need pairs up to 100 nm, and the larg"):
        measure_patterns(labels, PointOptions(largest=60.0, dimer=20.0))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"x_nm": None}, {}, r"no column x; it has cell_line, cell, y_nm; name one x_nm and y_nm"),
        ({"rename": PLAIN}, {}, r"line 2: the unit of x and y is not told; .* --unit nm"),
        ({"rename": PLAIN}, {"unit": "px"}, r"'px' is no unit of length; choose nm, um"),
        ({"rename": {"y_nm": "y_um"}}, {}, r"'x_nm' and 'y_um' are in different units"),
        ({"rename": PLAIN, "unit": ["nm", "µm"]}, {}, r"cell c0 has labels in nm and in µm"),
        (
            {"rename": {"x_nm": "x [px]", "y_nm": "y [px]"}},
            {},
            r"line 2: 'px' is no unit of length",
        ),
        ({"x_nm": 1e300}, {}, r"line 2: x 1e\+300, y .* nm is nowhere on a slide"),
        ({"x_nm": 5.0}, {}, r"all labels of cell c0 have the x 5 nm"),
        ({"x_nm": "left"}, {}, r"line 2, column 'x_nm': 'left' is no number"),
        ({"cell": ""}, {}, r"line 2: the cell is not named"),
        (
            {"again": True},
            {},
            r"line 41: cell c0 has a label at .* line 40 .*1 in all.* once",
        ),
        ({"head": 1}, {}, r"no cell has 10 labels of a kind; the largest, c0, has 1"),
        ({"head": 0}, {}, r"has a header and no rows; give a row a cell"),
        ({"state": ["resting", "ruffled"]}, {}, r"cell c0 has labels of several states"),
        ({}, {"window": "box"}, r"y .* nm lies outside the window of cell c0 \(x 0 to 100, y"),
        ({"x_nm": -5.0}, {"window": "box"}, r"label at x -5, .* outside the window of cell c0"),
        ({}, {"window": "missing.csv"}, r"missing.csv cannot be read"),
    ],
)
def test_what_cannot_be_is_named(
    tmp_path: Path, change: dict[str, object], options: dict[str, str], message: str
) -> None:
    table = cells_of([0.0], 39, 0)
    for name, value in change.items():
        if name == "rename":
            table = table.rename(columns=value)  # type: ignore[call-overload]
        elif name == "again":
            table = pd.concat([table, table.tail(1)])
        elif name == "head":
            table = table.head(value)  # type: ignore[arg-type]
        elif value is None:
            table = table.drop(columns=name)
        elif isinstance(value, list):
            table[name] = [value[0]] * 20 + [value[1]] * 19
        else:
            table[name] = value
    if options.get("window") == "box":
        box = pd.DataFrame({"cell": ["c0"], "xmin_nm": 0, "xmax_nm": 100, "ymin": 0, "ymax": 2600})
        options = {"window": str(written(tmp_path, box, "windows.csv"))}
    with pytest.raises(InputError, match=message):
        measure_patterns(read_labels([written(tmp_path, table)], **options))  # type: ignore[arg-type]


def test_leftovers_are_left_out_and_named(tmp_path: Path) -> None:
    table = cells_of([0.0, 0.0], 40, 0).astype({"x_nm": object})
    table.loc[3, "x_nm"] = "#DIV/0!"
    table.loc[5, "x_nm"] = "OVRFLW"
    table.loc[7, "y_nm"] = np.nan
    labels = read_labels([written(tmp_path, table)], duplicates="once")
    assert len(labels.table) == 77
    assert [row[3] for row in labels.left_out.rows] == ["#DIV/0!", "OVRFLW"]
    assert any("3 labels lack x or y" in note for note in labels.notes)
    found = measure_patterns(labels, PointOptions(simulations=19))
    assert found.cells["status"].tolist() == ["measured", "measured"]
    assert found.groups.at[0, "dimer_method" if found.dimers else "arrangement"] == "random"


def test_cells_given_in_another_unit_are_noticed(tmp_path: Path) -> None:
    table = cells_of([0.0, 0.0, 0.0], 30, 0)
    table.loc[table["cell"] == "c1", ["x_nm", "y_nm"]] /= 1000
    with pytest.raises(InputError, match=r"cell c1 spans .* positions given in another unit"):
        read_labels([written(tmp_path, table)])


def test_a_window_of_corners_and_a_hull(tmp_path: Path) -> None:
    table = cells_of([0.0], 300, 0)
    table = table[table["x_nm"] + table["y_nm"] < 2500]
    corners = pd.DataFrame({"cell": "c0", "x_um": [0, 2.5, 0], "y_um": [0, 0, 2.5]})
    path = written(tmp_path, table)
    given = read_labels([path], window=str(written(tmp_path, corners, "corners.csv")))
    hull = read_labels([path], window="hull")
    whole = next(iter(given.windows.values())).area
    assert whole == pytest.approx(2500**2 / 2)
    assert next(iter(hull.windows.values())).area == pytest.approx(whole, rel=0.1)
    curve = measure_patterns(given, PointOptions(simulations=19)).curves
    assert curve["g_iso"].iloc[128:].mean() == pytest.approx(1, abs=0.15)
