"""What a person reads of a retrain: tables, figures, a page a drug, and the model card.

All are made from a finished `retrain.Retrain`; `tracking` keeps them. `markdown` shows names of a
study as they are.
"""

__all__ = [
    "figures",
    "hover_page",
    "markdown",
    "model_card",
    "patient_card",
    "tables",
]
