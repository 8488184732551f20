"""Single cells: tables with a row a cell, and what they say of a sample.

`columns` and `reading` know such tables, text or Parquet.
"""

__all__ = ["columns", "reading"]
