"""Names of cell lines in published files, as samples of a study: letters and digits alone.

Two lines of one such name (TT of thyroid and T.T of oesophagus) keep what tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sidestep.features.identifiers import match_key, without_tissue


def sample_names(lines: pd.DataFrame) -> tuple[dict[str, str], list[str]]:
    """Sample that each line becomes, and those whose short name two lines have.

    Parameters
    ----------
    lines : DataFrame
        The index names each line as its file does; column `name` is its name, and `apart` what
        tells it from another of that name, such as a tissue.

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"name": ["SK-BR-3", "TT", "T.T"], "apart": ["BREAST", "THYROID", "OESOPHAGUS"]},
    ...     index=["1", "2", "3"],
    ... )
    >>> sample_names(frame)
    ({'1': 'SKBR3', '2': 'TT_THYROID', '3': 'TT_OESOPHAGUS'}, ['TT', 'T.T'])
    """
    short = lines["name"].map(lambda name: match_key(name) or name)
    shared = short.duplicated(keep=False)
    names = short.where(~shared, short + "_" + lines["apart"])
    return dict(zip(lines.index, names, strict=True)), lines.loc[shared, "name"].to_list()


def ccle_lines(names: pd.Index) -> pd.DataFrame:
    """Lines of CCLE, whose names end with their tissue: columns `name`, `apart`."""
    short = [without_tissue(str(name)) for name in names]
    tissues = [str(name)[len(own) + 1 :] for name, own in zip(names, short, strict=True)]
    return pd.DataFrame({"name": short, "apart": tissues}, index=names)


def clinical_table(
    lines: pd.DataFrame, names: Mapping[str, str], **attributes: pd.Series
) -> pd.DataFrame:
    """Clinical table of lines: their name in the file, and attributes that the file has of them."""
    table = pd.DataFrame({"CELL_LINE_NAME": lines["name"], **attributes}, index=lines.index)
    table = table.assign(SAMPLE_TYPE="Cell Line")
    return table.set_axis([names[line] for line in lines.index], axis=0)
