"""Protein arrays of treated cells: what a drug does to pathways, and what a condition rescues.

`treated_arrays` reads tables and studies, and `changes` holds each treatment against its control.
"""

__all__ = ["changes", "treated_arrays"]
