"""Scoring: errors of a field made comparable, and shrunk to the rate of each vendor."""
