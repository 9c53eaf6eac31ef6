"""What the system says about this machine and this process."""

import os
import platform
import resource
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any


@cache
def processor_fields() -> dict[str, str]:
    """Return what Linux says about the first processor; empty on other systems."""
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            first = file.read(2**14).partition("\n\n")[0]  # the system makes the text as it is read
    except OSError:
        return {}
    fields = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in fields}


def description() -> dict[str, Any]:
    """Return the processor's name, the number of cores, the system and the version of Python."""
    name = processor_fields().get("model name")
    return {
        "processor": name or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def process_age() -> float:
    """Return the seconds since this process started."""
    try:
        fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # since boot; field 22 in proc(5)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError):  # not Linux
        import psutil

        return time.time() - psutil.Process().create_time()


def peak_memory_mb() -> float:
    """Return the most memory that this process has had so far (MB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
