"""A study as other programs have it, and back without loss.

`tables` takes a study apart into its tables; `csv_folder` writes them as CSV with a mapping file
that `data import` reads, `mudata` as one MuData file.
"""

__all__ = [
    "csv_folder",
    "mudata",
    "tables",
]
