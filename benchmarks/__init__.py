"""Measured claims: each module prints the table that docs quote."""
