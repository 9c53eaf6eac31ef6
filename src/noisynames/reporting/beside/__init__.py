"""Experiments beside each other: the page that says what changed from one to the next."""
