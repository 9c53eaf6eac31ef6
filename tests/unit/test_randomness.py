"""A seed means the same everywhere."""

import hashlib
from typing import Any

import numpy as np

from noisynames.models.weights import position_encoding
from noisynames.randomness import SOURCES, Seed, Stream, as_seed

M = 2**64 - 1


def philox(key: int, counter: int) -> list[int]:
    """Philox4x64-10 as defined by its authors."""
    k0, k1 = key & M, key >> 64
    c = [counter & M, 0, 0, 0]
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c[0], 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * c[2], 2**64)
        c = [high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & M, (k1 + 0xBB67AE8584CAA73B) & M
    return c


def test_words_equal_those_of_the_published_generator() -> None:
    text = "training noise\0" + "7\0" + "5"
    key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    expected = [word for block in range(1, 4) for word in philox(key, block)]
    stream = Stream(7, "training noise", 5)
    assert [*stream.words(5).tolist(), *stream.words(7).tolist()] == expected


def test_known_answers() -> None:
    """These must never change: results of earlier releases depend on them."""
    assert Stream(0, "split").words(2).tolist() == [14312179203153530506, 16603486292381904549]
    assert Stream(0, "split").uniform(2).tolist() == [0.7758647892530456, 0.9000767954516876]
    assert Stream(0, "split").below(10, 2, 3).tolist() == [[7, 9, 2], [4, 5, 6]]
    assert Stream(0, "split").permutation(8).tolist() == [2, 7, 3, 4, 5, 6, 0, 1]
    last = position_encoding(3, 4)[2].astype(np.float64).round(8).tolist()
    assert last == [0.90929741, -0.41614684, 0.01999867, 0.99980003]


def test_streams_do_not_depend_on_how_much_is_drawn_at_a_time() -> None:
    whole, parts = Stream(1, "x"), Stream(1, "x")
    drawn = np.concatenate([parts.uniform(count, 2) for count in (1, 6, 3)])
    np.testing.assert_array_equal(drawn, whole.uniform(10, 2))


def test_seeds_purposes_and_keys_have_different_streams() -> None:
    keys: list[tuple[Any, ...]] = [(1, "x"), (2, "x"), (1, "y"), (1, "x", 1), (1, "x", 11)]
    first = {int(Stream(*key).words(1)[0]) for key in keys}
    assert len(first) == len(keys)


def test_numbers_are_uniform() -> None:
    stream = Stream(3, "x")
    uniform = stream.uniform(100_000)
    assert 0 <= uniform.min() < 1e-4 < 1 - 1e-4 < uniform.max() < 1
    counts = np.bincount(stream.below(7, 70_000), minlength=7)
    assert len(counts) == 7
    assert abs(counts - 10_000).max() < 500  # five standard deviations
    firsts = np.bincount([stream.permutation(5)[0] for _ in range(5_000)], minlength=5)
    assert abs(firsts - 1_000).max() < 150


def test_position_encodings_are_sines_and_cosines() -> None:
    found = position_encoding(200, 6)
    angles = np.arange(200)[:, None] / 10_000 ** (np.arange(0, 6, 2) / 6)
    np.testing.assert_allclose(found[:, ::2], np.sin(angles), atol=1e-7)
    np.testing.assert_allclose(found[:, 1::2], np.cos(angles), atol=1e-7)


def test_what_a_seed_shares_is_drawn_as_the_other_seed_draws_it() -> None:
    seed = Seed(7, {"weights": 0, "noise": 0})
    assert [seed.of(source) for source in SOURCES] == [7, 0, 7, 0]
    assert as_seed(3) == Seed(3)
