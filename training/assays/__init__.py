"""Curves and shifts for people: what is written of plates, with plots and pages a drug."""

__all__ = ["figures", "heat_maps", "output", "pages", "shift_output"]
