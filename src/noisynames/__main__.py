"""`python -m noisynames`: the command line of this installation, whatever is on the PATH."""

import atexit
import gc

# Imports make hundreds of thousands of objects and no garbage. Looking for it while they are made
# and at the end takes a sixth of a short job.
gc.set_threshold(100_000)
atexit.register(gc.freeze)

from noisynames.cli import main  # noqa: E402

main()
