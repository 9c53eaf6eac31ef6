"""Statistics over seeds: pure functions of arrays. docs/statistics.md says how well they do."""
