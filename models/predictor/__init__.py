"""The saved predictor: frozen features and one explained model a drug.

`predictor.PanelPredictor` holds all that scoring needs; `storage` writes it as JSON and one file of
arrays, and reads it without running code, once `schema` has found its parts sound. `references` and
`gene_sets` keep where the training lines lie, to compare samples with, and `her2` which samples
count as HER2-high; `line_groups` says whose errors make an interval; `cohort` keeps where tumours
lie, learned by `cohort_learning` and in files of `cohort_files`.
"""

__all__ = [
    "cohort",
    "cohort_files",
    "cohort_learning",
    "drug_model",
    "gene_sets",
    "her2",
    "known_lines",
    "line_groups",
    "marker",
    "predictor",
    "references",
    "schema",
    "shap_values",
    "shift_account",
    "storage",
]
