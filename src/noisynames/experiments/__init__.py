"""Several result sets, or an unfinished one."""
