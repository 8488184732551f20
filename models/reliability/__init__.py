"""How sure a prediction is, and when not to trust it.

`intervals` gives CV+ prediction intervals from held-out errors, `applicability` how near a sample
lies to the training lines in what the model looks at, and `shift` whether a study as a whole lies
where the training lines lie.
"""

__all__ = [
    "applicability",
    "intervals",
    "nearest",
    "sample_scale",
    "shift",
]
