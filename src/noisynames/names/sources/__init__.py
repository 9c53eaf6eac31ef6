"""Where names come from: one module for each source."""
