"""Where independent tasks are done: in processes here, or on a Dask cluster.

Both engines give the same bytes. `options` holds the command-line options that choose one, and is
light to import.
"""

__all__ = [
    "dask",
    "local",
    "options",
]
