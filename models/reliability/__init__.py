"""How sure a prediction is, and when not to trust it.

`intervals` keeps held-out errors and gives CV+ prediction intervals, `groups` says whose errors
calibrate one, `predictive` the probability of resistance beyond one of the `thresholds`,
`probabilities` and `calibration` that of an event in patients, `applicability` how near a sample
lies to the training lines in what the model looks at, and `shift` whether a study as a whole lies
where the training lines lie.
"""

__all__ = [
    "applicability",
    "calibration",
    "groups",
    "intervals",
    "nearest",
    "predictive",
    "probabilities",
    "sample_scale",
    "shift",
    "thresholds",
]
