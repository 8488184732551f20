"""Where labels of a receptor lie on a cell: point patterns, dimers, and cells without dimers.

`labels` reads positions and windows (`windows`), `correlation` has K, L and g, `envelopes` the test
against complete randomness, `dimers` the share of labels in pairs, `dimer_free` the subpopulation
without them; `measured` holds cells one by one, `patterns` tells them together, and `attributes`
makes something to train on.
"""

__all__ = [
    "attributes",
    "correlation",
    "dimer_free",
    "dimers",
    "envelopes",
    "labels",
    "measured",
    "patterns",
    "windows",
]
