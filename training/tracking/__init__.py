"""MLflow: one run a retrain, a nested run a drug, and the registered versions.

`tracking.track` writes a retrain into a store, `registration` and `lifecycle` name versions and
choose the champion, and `ui` opens the pages.
"""

__all__ = [
    "lifecycle",
    "logged_model",
    "quiet",
    "registration",
    "run_facts",
    "store",
    "tracking",
    "ui",
]
