"""Measured claims: each module prints the table that README or docs quote."""
