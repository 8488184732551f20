"""Simulated studies with planted mechanisms, and the truth beside them.

`simulate.simulate_study` draws donors, biology, assays and drug responses from one seed and writes
them as study folders; `trial.simulate_trial` does so of patients. Everything that they hold is made
up, and says so.
"""

__all__ = [
    "assays",
    "biology",
    "drugs",
    "folder",
    "mutations",
    "plan",
    "samples",
    "simulate",
    "trial",
]
