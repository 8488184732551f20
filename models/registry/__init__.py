"""Where models are kept: the MLflow registry, a run, or a folder.

`addresses` says what a person may call a model; `load.load_model` finds it, checks its files
against the digest that was registered, and loads it; `files` finds where MLflow keeps them, and
`local` does so without MLflow where both lie on this machine; `references` keeps a cohort of
tumours beside a model, and `databases` asks whether a store is there and shows its address without
the password.
"""

__all__ = [
    "addresses",
    "databases",
    "files",
    "load",
    "local",
    "references",
]
