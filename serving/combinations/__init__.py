"""Partner drugs where a drug is predicted to fail, by published rules and by the model.

`folder.combine` reads scores, `partners` and `rules` find partners, `drive`
tells where HER2 drugs have any, `rows` makes their table and
`words` and `text` say why. No synergy is claimed but
what a user has `measured`.
"""

__all__ = [
    "drive",
    "folder",
    "measured",
    "partners",
    "rows",
    "rules",
    "text",
    "views",
    "words",
]
