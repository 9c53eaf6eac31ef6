"""`python -m noisynames`: the command line of this installation, whatever is on the PATH."""

from noisynames.cli import main

main()
