"""Two biopsies of a patient, before and after treatment: what changed, and what that tells.

`pairing` finds the pairs of a study, `changes` tests the change of every level and score over the
patients and between those who responded and those who did not, and `facts` holds the changes
against what was published of them.
"""

__all__ = ["changes", "facts", "pairing"]
