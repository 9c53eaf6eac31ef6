"""noisynames: a benchmark of recurrent sequence classifiers under input noise."""

__version__ = "0.1.0"
