"""MLflow: one run a retrain, a nested run a drug, and the registered versions.

`store` opens the place, `tracking.track` keeps a retrain there with its `run_facts` and its
`logged_model`, `registration` makes a version of it, `lifecycle` chooses the champion, `listing`
tells what is registered, `ui` serves the pages, `unkept` saves what a store could not keep, and
`quiet` keeps MLflow from reporting.
"""

__all__ = [
    "lifecycle",
    "listing",
    "logged_model",
    "quiet",
    "registration",
    "run_facts",
    "store",
    "tracking",
    "ui",
    "unkept",
]
