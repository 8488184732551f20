"""Assays for people: curves, shifts, synergy, pathways, cells, labels, biopsies; plots, pages."""

__all__ = [
    "cells_output",
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
