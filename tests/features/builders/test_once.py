"""What is worked out of the same tables once."""

import pandas as pd

from sidestep.features.builders.once import once, sharing


def test_the_same_tables_are_asked_once_within_and_anew_outside() -> None:
    asked = []

    @once
    def total(table: pd.DataFrame) -> float:
        asked.append(table)
        return float(table.to_numpy().sum())

    table = pd.DataFrame({"a": [1.0, 2.0]})
    with sharing():
        assert total(table) == 3.0
        with sharing():
            assert total(table) == 3.0
        assert len(asked) == 1
        assert total(table.copy()) == 3.0  # another one, though equal
        assert len(asked) == 2
    table.loc[0, "a"] = 5.0
    assert total(table) == 7.0
    with sharing():
        assert total(table) == 7.0
