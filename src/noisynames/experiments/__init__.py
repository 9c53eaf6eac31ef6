"""Several sets of results, or an unfinished one."""
