"""Files on disk: read within limits, and written whole or not at all.

This room knows bytes, tables and matrices, and nothing of biology. It opens tab-separated text
(plain or gzip, in memory or block by block), Parquet and AnnData files as one kind of matrix,
keeps matrices larger than memory in a store on disk, writes study folders, and knows which files
of a folder are a verb's own to replace.
"""

__all__ = [
    "by_sample",
    "contents",
    "h5ad",
    "hdf5",
    "large_tables",
    "limits",
    "matrix",
    "mudata",
    "owned",
    "parquet",
    "rows",
    "sample_major",
    "spreadsheets",
    "store",
    "study_writer",
    "tables",
    "whole",
]
