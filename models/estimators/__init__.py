"""Estimators of drug response: baselines, ridge, boosted trees, and their blend.

All keep the contract of `base.ResponseEstimator`: fit on training lines, predict, and (but for
baselines) explain each prediction exactly. `pattern_blend.PatternBlend` fits one blend a
combination of modalities, and `blend_contributions` has what features contribute to a blend's
predictions; `lines` holds what the models of all drugs take from the same lines, `by_fold` what
each fold has, made when asked for, and `outcomes` what differs between continuous and binary
responses; `weights` weighs lines by the errors of their responses.
"""

__all__ = [
    "base",
    "baselines",
    "blend",
    "blend_contributions",
    "by_fold",
    "evidence",
    "folds",
    "lines",
    "mixtures",
    "outcomes",
    "pattern_blend",
    "patterns",
    "ridge",
    "rows",
    "screening",
    "shares",
    "sub_model",
    "trees",
    "views",
    "weights",
]
