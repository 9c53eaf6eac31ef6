"""Answers: a file for each question; every file in this folder is found."""
