"""A cBioPortal study folder: what each file means, and the study that they make up.

`study.read_study` gives a `Study` in memory, `on_disk.open_study` one that may be larger, and
`check.check_study` the account of what was read and what is wrong. One module a kind of file
reads it; `reader` goes through them in order.
"""

__all__ = [
    "antibodies",
    "check",
    "clinical",
    "data_files",
    "filters",
    "frames",
    "genes",
    "measurements",
    "meta",
    "mix_ups",
    "mutations",
    "on_disk",
    "profiles",
    "reader",
    "responses",
    "scales",
    "sequencing",
    "signatures",
    "study",
    "summary",
]
