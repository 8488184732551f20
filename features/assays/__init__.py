"""Raw assays: plates read in whatever layout, curves with errors and a status, and what they mean.

`layouts` reads files into `readings` (tidy tables by `columns`, doses by `doses`, grids of wells by
`plate_maps`, wide tables by `dose_columns`), `relative` finds each well's control, `series` turns
wells into dose series, `hill` fits thousands at once, `growth_rate` takes growth into account, and
`curves` puts it together; `significance` tells effects from none, `plates` what is wrong with a
plate, and `shifts`, with `jackknife`, what a condition changes; `responses` makes something to
train on.
"""

__all__ = [
    "columns",
    "curves",
    "dose_columns",
    "dose_means",
    "doses",
    "grid",
    "growth_rate",
    "hill",
    "jackknife",
    "layouts",
    "plate_maps",
    "plates",
    "readings",
    "relative",
    "responses",
    "series",
    "shifts",
    "significance",
    "tidy",
    "wells",
]
