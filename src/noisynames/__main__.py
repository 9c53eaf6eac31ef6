"""`python -m noisynames`: the command line, whatever is on the PATH."""

from noisynames.cli import main

main()
