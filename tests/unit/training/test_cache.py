import numba

from noisynames.training.compiled.cache import numba_version


def test_a_kernel_is_known_by_the_version_of_numba_without_importing_it() -> None:
    assert f'"{numba.__version__}"' in numba_version()
