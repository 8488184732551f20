"""Files as their makers or users have them, read as studies.

`given` opens a table whatever separates its cells, `containers` one with something above it and
`workbooks` a sheet, `cells` sums single cells up; `levels` tells which way it lies, `calls` and
`attributes` read mutations and clinical tables; `parts` says what each brings to a study, and
`assembly` writes the study. `tables` imports what a user names or a `mapping` file says; `sources`
tells by content what a file is: drug `screens`, CCLE's `proteins`, `depmap`'s releases, whose
`lines` get their names.
"""

__all__ = [
    "assembly",
    "attributes",
    "calls",
    "cells",
    "containers",
    "depmap",
    "given",
    "levels",
    "lines",
    "mapping",
    "mudata",
    "parts",
    "proteins",
    "screens",
    "sources",
    "tables",
    "workbooks",
]
