"""Figures: a file for each topic, found by where it lies."""
