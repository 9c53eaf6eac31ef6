"""Loads a kernel's object file into this process without LLVM, a fifth of a short job's time.

Kernels are compiled for code and data that may be anywhere in memory, so on Linux with x86-64 all
that their object files leave open are absolute addresses of 64 bits, which are filled in here. Any
other object file is left to LLVM.

Source of the format: the System V Application Binary Interface, chapter "Object Files", and its
supplement for AMD64, section "Relocation".
"""

import ctypes
import mmap
import struct
from typing import Any, NamedTuple

_RELOCATABLE_FOR_X86_64 = b"\x01\x00\x3e\x00"
_SYMBOLS, _RELOCATIONS = 2, 4  # kinds of sections
_WRITABLE, _IN_MEMORY = 1, 2  # flags of sections
_ABSOLUTE_64 = 1  # a kind of relocation
_OUTSIDE = 0  # the section of a symbol that is defined elsewhere


class UnsupportedError(Exception):
    """An object file that only LLVM can load, or a system that makes no memory executable."""


class _Section(NamedTuple):
    """A section's header: its fields and their order are those of the format."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


def load(code: bytes, function: str) -> tuple[int, Any]:
    """Load an object file.

    Args:
        code: The content of the file.
        function: The name of the function to be called.

    Returns:
        The function's address, and the memory that it is in, to be kept while it may be called.

    Raises:
        UnsupportedError: LLVM has to load this file.
    """
    if code[:6] != b"\x7fELF\x02\x01" or code[16:20] != _RELOCATABLE_FOR_X86_64:
        raise UnsupportedError("not an object file for x86-64")
    (table,) = struct.unpack_from("<Q", code, 40)
    width, count = struct.unpack_from("<HH", code, 58)
    headers = struct.iter_unpack("<IIQQQQIIQQ", code[table : table + width * count])
    sections = [_Section(*fields) for fields in headers]
    places, size = _places(sections)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    begin = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for number, place in places.items():
        memory[place : place + sections[number].size] = _content(code, sections[number])
    symbols = _symbols(code, sections, {number: begin + at for number, at in places.items()})
    for section in sections:
        if section.kind == _RELOCATIONS and section.info in places:
            _relocate(memory, places[section.info], _content(code, section), symbols)
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if protect(begin, size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise UnsupportedError("memory may not be made executable")
    return dict(symbols)[function], memory


def _places(sections: list[_Section]) -> tuple[dict[int, int], int]:
    """Return where in memory each section begins that is needed there, and the bytes of all."""
    places, end = {}, 0
    for number, section in enumerate(sections):
        if section.flags & _IN_MEMORY:
            if section.flags & _WRITABLE:
                raise UnsupportedError("variables")
            places[number] = end + -end % max(section.alignment, 1)
            end = places[number] + section.size
    return places, end


def _symbols(
    code: bytes, sections: list[_Section], starts: dict[int, int]
) -> list[tuple[str, int]]:
    """Return the name and address of each symbol; only those in memory have a true address."""
    (table,) = (section for section in sections if section.kind == _SYMBOLS)
    names = _content(code, sections[table.link])
    found = []
    for start, _, _, section, value, _ in struct.iter_unpack("<IBBHQQ", _content(code, table)):
        name = names[start : names.index(b"\0", start)].decode()
        if section == _OUTSIDE and name:
            found.append((name, _of_the_c_library(name)))
        else:
            found.append((name, starts.get(section, 0) + value))
    return found


def _relocate(
    memory: mmap.mmap, place: int, relocations: bytes, symbols: list[tuple[str, int]]
) -> None:
    """Fill in the addresses that the section at a place in memory leaves open."""
    for offset, kind, symbol, addend in struct.iter_unpack("<QIIq", relocations):
        if kind != _ABSOLUTE_64:
            raise UnsupportedError(f"relocation {kind}")
        struct.pack_into("<Q", memory, place + offset, symbols[symbol][1] + addend)


def _of_the_c_library(name: str) -> int:
    try:
        function: Any = getattr(ctypes.CDLL(None), name)
    except AttributeError:
        raise UnsupportedError(f"{name} is not in this process") from None
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


def _content(code: bytes, section: _Section) -> bytes:
    return code[section.offset : section.offset + section.size]
