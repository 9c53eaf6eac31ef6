"""Answers: a file for each question."""
