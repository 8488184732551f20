"""Study archives: a downloaded ``.tar.gz`` or ``.zip`` becomes a folder, safely.

`archive.import_archive` unpacks one whole or not at all; `entries` reads what an archive holds
without trusting it, and `names` decides where each file may go.
"""

__all__ = [
    "archive",
    "entries",
    "names",
]
