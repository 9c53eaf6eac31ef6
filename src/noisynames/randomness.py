"""Every random number comes from a generator keyed by what it is for."""

import numpy as np


def generator(seed: int, purpose: str, *key: int) -> np.random.Generator:
    """Return the generator of one `purpose` under one `seed`.

    Two purposes never share a stream, so drawing more for one changes nothing in another, and no
    global state is involved. `key` tells further streams of a purpose apart (a noise level, say).
    """
    return np.random.default_rng([seed, int.from_bytes(purpose.encode(), "big"), *key])
