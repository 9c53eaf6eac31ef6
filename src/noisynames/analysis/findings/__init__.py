"""Every number that the report prints: a file for each topic."""
