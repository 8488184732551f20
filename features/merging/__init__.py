"""Several studies as one: the same lines found under any name, modalities side by side.

`lines` says which samples of several studies are one, and which are of one donor; `merge` joins the
tables and names what contradicts; `words` says what drugs, antibodies and lineages were taken for;
`drafts` makes the files of any study in memory.
"""

__all__ = [
    "drafts",
    "lines",
    "merge",
    "words",
]
