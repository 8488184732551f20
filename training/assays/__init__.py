"""Assays for people: curves, shifts, synergy and perturbed pathways, with plots and pages."""

__all__ = [
    "figures",
    "heat_maps",
    "output",
    "pages",
    "perturb_output",
    "shift_output",
    "synergy_output",
]
