"""Under which names did the training study know a sample's genes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

_UNNAMED = "entrez:"


def named_as_in_training(table: pd.DataFrame, entrez: Mapping[Any, int]) -> pd.DataFrame:
    """Samples x genes whose genes without a symbol (``entrez:2064``) get that of the training.

    Parameters
    ----------
    table : DataFrame of shape (n_samples, n_genes)
    entrez : mapping of str to int
        Symbol of the training study -> Entrez identifier.

    Examples
    --------
    >>> table = pd.DataFrame([[1.0, 2.0]], columns=["entrez:2064", "TP53"])
    >>> named_as_in_training(table, {"ERBB2": 2064}).columns.tolist()
    ['ERBB2', 'TP53']
    """
    names = table.columns.tolist()
    if _UNNAMED not in "\n".join(map(str, names)):  # the quickest way to ask them all
        return table
    symbols = {f"{_UNNAMED}{number}": gene for gene, number in entrez.items()}
    renamed = [symbols.get(name, name) for name in names]
    return table.set_axis(pd.Index(renamed, dtype=table.columns.dtype), axis=1)
