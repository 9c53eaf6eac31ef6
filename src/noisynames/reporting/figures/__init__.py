"""Figures: a file for each topic, a function for each figure."""
