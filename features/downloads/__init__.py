"""Public data from where their makers publish them: found, fetched whole, checked, put in place.

`catalogue` knows what there is, under which licence and at which address; `addresses` decides which
address may be opened, `transfer` brings a file over a bad line, `listings` finds a file's address
and checksum where a release is listed, `licences` remembers what was accepted, `places` where
things lie, and `fetch` puts it together.
"""

__all__ = [
    "addresses",
    "catalogue",
    "fetch",
    "licences",
    "listings",
    "places",
    "transfer",
]
