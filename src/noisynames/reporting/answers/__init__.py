"""Answers: a file for each question, found by where it lies."""
