"""Assays for people: curves, shifts, synergy, pathways, labels, biopsies, with plots and pages."""

__all__ = [
    "figures",
    "heat_maps",
    "output",
    "pages",
    "pairs_output",
    "perturb_output",
    "points_output",
    "shift_output",
    "synergy_output",
]
