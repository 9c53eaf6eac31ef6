"""Figures: a file for each topic; every file in this folder is found."""
