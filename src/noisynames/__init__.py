"""noisynames: a benchmark of recurrent sequence classifiers under input noise."""

from noisynames.results import open_run as open_run

__version__ = "0.1.0"
