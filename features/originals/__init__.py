"""Files as their makers publish them, read as studies.

`sources` opens the tables and tells what they are by their columns; `screens` reads drug screens
(GDSC, CTRPv2, CCLE's 24 drugs), `proteins` CCLE's RPPA, `lines` names their cell lines, and
`studies` writes it all as a folder.
"""

__all__ = [
    "lines",
    "proteins",
    "screens",
    "sources",
    "studies",
]
