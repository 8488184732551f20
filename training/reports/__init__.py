"""What a person reads of a retrain: tables, figures, pages and the model card."""

__all__ = [
    "figures",
    "hover_page",
    "markdown",
    "model_card",
    "tables",
]
