"""Whether HER2 drives a sample: by its level, its copies, or an activating change of ERBB2."""

from __future__ import annotations

import pytest

from sidestep.features.knowledge.variants import driver_hotspots
from sidestep.serving.combinations.drive import her2_drives
from sidestep.serving.evidence.states import SampleStates


@pytest.mark.parametrize(
    ("shown", "her2", "drives"),
    [
        ({}, None, False),
        ({}, "not high", False),
        ({}, "high", True),
        ({"copies": {"ERBB2": 2.5}}, None, True),
        ({"changes": ["ERBB2 V777L"]}, "not high", True),
        ({"changes": ["ERBB2 S310F"]}, None, True),
        # Neither makes ERBB2 drive: a change that only makes a drug fail, and one of nothing known.
        ({"changes": ["ERBB2 T798I"]}, None, False),
        ({"changes": ["ERBB2 A100G"]}, None, False),
        ({"changes": ["EGFR L858R"]}, None, False),
    ],
)
def test_what_makes_her2_drive(construct, known_predictor, shown, her2, drives) -> None:
    states = SampleStates(construct(**shown), known_predictor.mechanisms)
    assert her2_drives(states, {"S": her2}).tolist() == [drives]


def test_the_table_names_activating_changes() -> None:
    assert {"V777", "S310", "L755"} <= {hotspot.residue for hotspot in driver_hotspots("ERBB2")}
