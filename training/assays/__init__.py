"""Assays for people: curves, shifts, synergy, perturbed pathways, labels, with plots and pages."""

__all__ = [
    "figures",
    "heat_maps",
    "output",
    "pages",
    "perturb_output",
    "points_output",
    "shift_output",
    "synergy_output",
]
