"""Score folders on disk: written whole or not at all, resumed, locked, and read again.

`lock.claimed` keeps other jobs out, `journal.Journal` holds what an unfinished job has done,
`coded` has the form of tables on their way and `output` that of the folder's tables and manifest,
`samples` what is known of each sample, and `score_folder.read_score_folder` reads a finished folder
sample by sample, from the `columns` of its tables, once `sound` has looked at its files; `regimens`
says how it tells the regimens of a response apart.
"""

__all__ = [
    "coded",
    "columns",
    "journal",
    "lock",
    "output",
    "regimens",
    "sample_scores",
    "samples",
    "score_folder",
    "sound",
]
