"""Curves, shifts and synergy for people: what is written of plates, with plots and pages."""

__all__ = ["figures", "heat_maps", "output", "pages", "shift_output", "synergy_output"]
