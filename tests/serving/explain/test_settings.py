"""What `--set` asks for, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sidestep.features.errors import InputError
from sidestep.models.reliability.applicability import NearestLines
from sidestep.serving.explain.settings import Change, read_changes

FEATURES = [
    "expression:ERBB2",
    "expression:TP53",
    "expression:HLA-A",
    "rppa:ERBB2",
    "rppa:ERBB2_pY1248",
    "rppa:ERBB2_pY1248/ERBB2",
    "mutation:ERBB2",
    "mutation:PIK3CA:hotspot",
    "mutation:burden",
    "copy_number:ERBB2",
    "clinical:SUBTYPE=HER2",
]
#: Standard deviations of the training lines; their means are ten times as high.
SD = {"copy_number:ERBB2": 0.5, "mutation:burden": 2.0}


@pytest.fixture(scope="module")
def lines() -> NearestLines:
    table = pd.DataFrame(
        {name: SD.get(name, 1.0) * np.array([9.0, 11.0]) for name in FEATURES},
        index=["A", "B"],
    )
    return NearestLines().fit(table, ["A", "B"])


@pytest.fixture
def sample() -> pd.DataFrame:
    """Everything measured but the RNA of TP53 and the subtype."""
    row = pd.DataFrame([[1.0] * len(FEATURES)], index=["SKBR3"], columns=FEATURES)
    row[["expression:TP53", "clinical:SUBTYPE=HER2"]] = np.nan
    return row


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("expression:ERBB2=-1.5sd", Change("expression:ERBB2", -1.5, relative=True)),
        ("expression:ERBB2=−1.5 SD", Change("expression:ERBB2", -1.5, relative=True)),
        ("expression:ERBB2=2sd", Change("expression:ERBB2", 12.0, relative=False)),
        ("expression:ERBB2=-1.5", Change("expression:ERBB2", -1.5, relative=False)),
        ("copy_number:ERBB2=+2sd", Change("copy_number:ERBB2", 1.0, relative=True)),
        ("copy_number:ERBB2=2sd", Change("copy_number:ERBB2", 6.0, relative=False)),
        ("copy_number:ERBB2=.25", Change("copy_number:ERBB2", 0.25, relative=False)),
        ("mutation:PIK3CA:hotspot=1", Change("mutation:PIK3CA:hotspot", 1.0, relative=False)),
        ("mutation:PIK3CA_hotspot=0", Change("mutation:PIK3CA:hotspot", 0.0, relative=False)),
        ("mutation:burden=-1sd", Change("mutation:burden", -2.0, relative=True)),
        ("RPPA:erbb2-py1248 = +0.5sd", Change("rppa:ERBB2_pY1248", 0.5, relative=True)),
        ("rppa:ERBB2_pY1248/ERBB2=+1sd", Change("rppa:ERBB2_pY1248/ERBB2", 1.0, relative=True)),
        ("hla-a=+1sd", Change("expression:HLA-A", 1.0, relative=True)),
    ],
)
def test_one_feature(
    setting: str, expected: Change, sample: pd.DataFrame, lines: NearestLines
) -> None:
    (change,) = read_changes([setting], sample, lines)
    assert (change.feature, change.relative) == (expected.feature, expected.relative)
    assert change.amount == pytest.approx(expected.amount)


def test_a_gene_is_each_level_that_was_measured(sample: pd.DataFrame, lines: NearestLines) -> None:
    sample["rppa:ERBB2"] = np.nan
    changes = read_changes(["ERBB2=-2sd"], sample, lines)
    assert [(one.feature, one.amount, one.relative) for one in changes] == [
        ("expression:ERBB2", -2.0, True),
        ("rppa:ERBB2_pY1248", -2.0, True),
        ("copy_number:ERBB2", -1.0, True),
    ]
    absolute = read_changes(["ERBB2=0sd"], sample, lines)
    assert [one.amount for one in absolute] == pytest.approx([10.0, 10.0, 5.0])


def test_a_category_may_hold_an_equals_sign(sample: pd.DataFrame, lines: NearestLines) -> None:
    sample["clinical:SUBTYPE=HER2"] = 0.0
    assert read_changes(["clinical:SUBTYPE=HER2=1"], sample, lines) == [
        Change("clinical:SUBTYPE=HER2", 1.0, relative=False)
    ]


def test_settings_keep_their_order(sample: pd.DataFrame, lines: NearestLines) -> None:
    found = read_changes(["mutation:ERBB2=1", "expression:ERBB2=+1sd"], sample, lines)
    assert [one.feature for one in found] == ["mutation:ERBB2", "expression:ERBB2"]


@pytest.mark.parametrize(
    ("setting", "parts"),
    [
        ("ERBB2", ["is no FEATURE=VALUE", "ERBB2=+2sd"]),
        ("=+2sd", ["is no FEATURE=VALUE"]),
        ("ERBB2=", ["'' is no value"]),
        ("ERBB2=high", ["'high' is no value", "write +2sd"]),
        ("ERBB2=nan", ["'nan' is no value"]),
        ("ERBB2=+2 sds", ["'+2 sds' is no value"]),
        ("expression:ERBB2=+2", ["could be a value or a change", "write 2 for", "+2sd for"]),
        ("ERBB2=2", ["different scales", "ERBB2=+2sd", "expression:ERBB2=2"]),
        ("ERBB3=+2sd", ["no feature of gene ERBB3", "did you mean ERBB2"]),
        ("QWXYZ=+2sd", ["no feature of gene QWXYZ", "names are like ERBB2"]),
        ("TP53=+2sd", ["no RNA, protein or copy-number level of TP53", "choose another gene"]),
        ("PIK3CA=+2sd", ["level of PIK3CA", "set mutation:PIK3CA:hotspot to a value"]),
        ("expresion:ERBB2=+2sd", ["no feature expresion:ERBB2", "mean expression:ERBB2"]),
        ("rppa:ERBB2_pY124=+1sd", ["did you mean rppa:ERBB2_pY1248"]),
        ("expression:TP53=+2sd", ["not measured in sample SKBR3", "a feature that it has"]),
        ("clinical:SUBTYPE=HER2=1", ["not measured in sample SKBR3"]),
        ("mutation:ERBB2=0.5", ["present or absent", "mutation:ERBB2=1 or mutation:ERBB2=0"]),
        ("mutation:ERBB2=+1sd", ["present or absent"]),
        ("mutation:burden=-1", ["never below 0"]),
        ("mutation:burden=1e999", ["1e999 is larger than any measurement", "a smaller value"]),
        ("expression:ERBB2=-1e308sd", ["-1e308sd is larger than any measurement"]),
    ],
)
def test_what_cannot_be_set_is_refused_with_the_way_out(
    setting: str, parts: list[str], sample: pd.DataFrame, lines: NearestLines
) -> None:
    with pytest.raises(InputError) as refused:
        read_changes(["expression:ERBB2=+1sd", setting], sample, lines)
    message = str(refused.value)
    assert message.startswith(f"--set {setting!r}")
    for part in parts:
        assert part in message


def test_what_is_not_measured_names_what_is(sample: pd.DataFrame, lines: NearestLines) -> None:
    sample["rppa:ERBB2"] = np.nan
    with pytest.raises(InputError, match="of ERBB2 it has expression:ERBB2, rppa:ERBB2_pY1248 and"):
        read_changes(["rppa:ERBB2=+1sd"], sample, lines)
