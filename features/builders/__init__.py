"""Feature builders: one modality a file, frozen statistics, joined into one matrix.

A builder learns its statistics from training lines in `fit` and never again; `joiner.FeatureJoiner`
puts the blocks side by side, says each feature's modality, and reports coverage.
"""

__all__ = [
    "base",
    "called",
    "clinical",
    "copy_number",
    "expression",
    "joiner",
    "mutation",
    "names",
    "once",
    "published_scores",
    "ranks",
    "regimen",
    "response_axes",
    "rppa",
    "signature",
]
