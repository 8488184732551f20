"""Single cells: tables with a row a cell, and what they say of a sample.

`columns` and `reading` know such tables, `tables` reads them (text, Parquet or ``.h5ad``), `scales`
and `gates` part cells by a marker, `states` name what markers tell, `shares` how many cells that
is, `shapes` how levels spread, `clusters` which cells belong together; `measures` puts it together,
`attributes` make something to train on, and `pseudo_bulk` makes samples of clusters to score.
"""

__all__ = [
    "attributes",
    "clusters",
    "columns",
    "gates",
    "measures",
    "pseudo_bulk",
    "reading",
    "scales",
    "shapes",
    "shares",
    "states",
    "tables",
]
