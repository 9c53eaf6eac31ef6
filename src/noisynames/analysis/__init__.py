"""Tables and findings, from the files of all runs."""
