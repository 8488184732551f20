"""Assays for people: curves, shifts, synergy, pathways and pairs of biopsies, with their pages."""

__all__ = [
    "figures",
    "heat_maps",
    "output",
    "pages",
    "pairs_output",
    "perturb_output",
    "shift_output",
    "synergy_output",
]
