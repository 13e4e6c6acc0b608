"""Scores, comparisons, and what they are made of: see the README."""
