"""Bad names of every kind: one line that says where, what was found and what is allowed."""

import hashlib
import io
import stat
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import Server, archive, server
from hypothesis import given, settings
from hypothesis import strategies as st

from noisynames.config import resolve
from noisynames.errors import UserError
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import WORKSHEET, normalise
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.names.sources import tutorial
from noisynames.names.sources.directory import decode_lines
from noisynames.names.sources.raw import RawNames

__all__ = ["server"]

SCHEMA = Path(__file__).parents[3] / "workflow/schemas/config.schema.yaml"
GOOD = b"Roe\nPoe\n"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "dataset.path: {0}: found 0 label(s); a classification needs at least 2"),
        (
            {"one.txt": GOOD},
            "dataset.path: {0}: found 1 label(s); a classification needs at least 2",
        ),
        (
            {"one.txt": GOOD, "two.TXT": GOOD, "three": GOOD, ".four.txt": GOOD},
            "dataset.path: {0}: found 1 label(s); a classification needs at least 2",
        ),
        (
            {"one.txt": GOOD, "two.txt": b""},
            "dataset.path: {0}: label 'two' holds no name in the alphabet",
        ),
        (
            {"one.txt": GOOD, "two.txt": b"\n \n\r\n\t\n"},
            "dataset.path: {0}: label 'two' holds no name in the alphabet",
        ),
        (
            {"one.txt": GOOD, "two.txt": "王\n李\n".encode()},
            "dataset.path: {0}: label 'two' holds no name in the alphabet of the worksheet; "
            "set dataset.alphabet to data, or dataset.transliterate to true",
        ),
        (
            {"one.txt": GOOD, "two.txt": b"M\xfcller\n"},
            "{0}/two.txt: not UTF-8 text (byte 1); save it as UTF-8",
        ),
        (
            {"one.txt": GOOD, "two.txt": "Roe\n".encode("utf-16")},
            "{0}/two.txt: not UTF-8 text (byte 0); save it as UTF-8",
        ),
        (
            {"one.txt": GOOD, "two.txt": b"Roe\n" + b"a" * 1000 + b"\n" + b"a" * 1001},
            "{0}/two.txt: line 3 has 1001 characters; a name has at most 1000",
        ),
        (
            {"one.txt": GOOD, "t\two.txt": GOOD},
            "{0}/t\two.txt: 't\\two' is not a label; allowed: 1 to 100 printable characters",
        ),
        (
            {"one.txt": GOOD, "\u202eowt.txt": GOOD},
            "{0}/\u202eowt.txt: '\\u202eowt' is not a label; "
            "allowed: 1 to 100 printable characters",
        ),
        (
            {"one.txt": GOOD, f"{'t' * 101}.txt": GOOD},
            f"{{0}}/{'t' * 101}.txt: '{'t' * 101}' is not a label; "
            "allowed: 1 to 100 printable characters",
        ),
        (
            {"caf\u00e9.txt": GOOD, "cafe\u0301.txt": GOOD},
            "{0}/caf\u00e9.txt: label 'caf\u00e9' occurs twice; give each label one file",
        ),
    ],
)
def test_bad_name_files(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        datasets.load("directory", tmp_path)
    assert str(caught.value) == message.format(tmp_path)


@pytest.mark.parametrize(
    ("dataset", "characters", "message"),
    [
        (
            {"alphabet": "greek"}, ".",
            "dataset.alphabet: found 'greek'; allowed: one of worksheet, data",
        ),
        (
            {"alphabet": "data", "min_symbol_count": 0}, ".",
            "dataset.min_symbol_count: found 0; allowed: an integer at least 1",
        ),
        (
            {"min_symbol_count": 2}, ".",
            "dataset.min_symbol_count: found 2; allowed: 1 with the alphabet 'worksheet'",
        ),
        (
            {"transliterate": "maybe"}, ".",
            "dataset.transliterate: found 'maybe'; allowed: true or false or null",
        ),
        (
            {"alphabet": "data", "min_symbol_count": 3}, ".",
            "dataset.path: {0}: label 'two' holds no name of symbols that occur 3 times; "
            "lower dataset.min_symbol_count",
        ),
        (
            {"alphabet": "data"}, "e\u0301",
            "noise.characters: found 'e\u0301'; allowed: distinct printable characters, "
            "at least one, each a single code point and not a combining mark",
        ),
        (
            {}, "é",
            "noise.characters: found 'é'; allowed: distinct characters of "
            f"{WORKSHEET.symbols!r}, at least one",
        ),
    ],
)  # fmt: skip
def test_bad_alphabets(
    tmp_path: Path, dataset: dict[str, Any], characters: str, message: str
) -> None:
    (tmp_path / "one.txt").write_text("Roe\nRoeo\nReoo\nEor\n", encoding="utf-8")
    (tmp_path / "two.txt").write_text("王\n李\n", encoding="utf-8")
    config = {
        "dataset": {"source": "directory", "path": str(tmp_path), **dataset},
        "noise": {"characters": characters},
    }
    with pytest.raises(UserError) as caught:
        resolve(config, SCHEMA)
    assert str(caught.value) == message.format(tmp_path)


def test_offline_names_in_their_own_scripts_need_an_alphabet_that_has_them() -> None:
    with pytest.raises(UserError) as caught:
        resolve({"dataset": {"transliterate": False}}, SCHEMA)
    assert str(caught.value) == (
        "dataset.source: surnames: label 'Armenian' holds no name in the alphabet of the "
        "worksheet; set dataset.alphabet to data, or dataset.transliterate to true"
    )
    resolve({"dataset": {"transliterate": False, "alphabet": "data"}}, SCHEMA)


@pytest.mark.parametrize(
    "label",
    [
        "two words",
        "it's",
        'say "x"',
        "<b>x</b>".replace("/", "\u2215"),
        "a..b",
        "\U0001f9ea",
        "שמות",
        "$(id)",
    ],
)
def test_unusual_labels_are_labels(tmp_path: Path, label: str) -> None:
    for stem in ("one", label):
        (tmp_path / f"{stem}.txt").write_bytes(GOOD)
    assert set(datasets.load("directory", tmp_path).languages) == {"one", label}


def test_500_labels_without_a_last_line_end(tmp_path: Path) -> None:
    for i in range(500):
        (tmp_path / f"label{i:03}.txt").write_bytes(b"Roe\nPoe\nDoe\nNoe\nMoe")
    data = datasets.load("directory", tmp_path)
    assert data.manifest["languages"] == 500
    assert data.manifest["distinct_names"] == 5
    split = splits.split_names(data.rows, 0)
    assert (len(split.train), len(split.test)) == (2000, 500)


def member(name: str, content: bytes = GOOD, mode: int = stat.S_IFREG) -> Callable[..., None]:
    def add(file: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = (mode | 0o644) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(info, content)

    return add


NOT_NAMES = "not a list of names"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "{0}: no names/<label>.txt in this zip file"),
        ([member("readme.txt")], "{0}: no names/<label>.txt in this zip file"),
        (
            [member("names/../../names/x.txt")],
            "{0}: names/../../names/x.txt leads out of the archive; " + NOT_NAMES,
        ),
        ([member("/names/x.txt")], "{0}: /names/x.txt leads out of the archive; " + NOT_NAMES),
        (
            [member("names/x.txt", b"/etc/passwd", stat.S_IFLNK)],
            "{0}: names/x.txt is a link; " + NOT_NAMES,
        ),
        (
            [member("names/x.txt", bytes(17 * 2**20))],
            "{0}: names/x.txt is larger than 16 MiB; " + NOT_NAMES,
        ),
        (
            [member(f"names/x{i}.txt", b"\n" * (15 * 2**20)) for i in range(5)],
            "{0}: more than 64 MiB of names; " + NOT_NAMES,
        ),
        (
            [member("a/names/x.txt"), member("b/names/x.txt")],
            "{0}: b/names/x.txt: label 'x' occurs twice; give each label one file",
        ),
        (
            [member("names/x.txt", b"\xff")],
            "{0}: names/x.txt: not UTF-8 text (byte 0); save it as UTF-8",
        ),
        (
            [member("names/x.txt")],
            "dataset.path: {0}: found 1 label(s); a classification needs at least 2",
        ),
    ],
)
def test_bad_archives(tmp_path: Path, members: list[Callable[..., None]], message: str) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as file:
        for add in members:
            add(file)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as caught:
        datasets.load("tutorial", path)
    assert str(caught.value) == message.format(path)
    assert sorted(tmp_path.rglob("*")) == before, "nothing is unpacked"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: b"", "File is not a zip file"),
        (lambda content: content[:-30], "File is not a zip file"),
        (lambda content: content.replace(b"Aalts", b"Baals"), "Bad CRC-32"),
    ],
)
def test_damaged_archives(tmp_path: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    path = archive(tmp_path / "data.zip")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError) as caught:
        datasets.load("tutorial", path)
    assert str(caught.value).startswith(f"{path}: not a readable zip file ({reason}")


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_server_that_has_nothing(server: Server, status: int) -> None:
    server.answers = [(status, b"no", 2)]
    with pytest.raises(UserError) as caught:
        tutorial.read(None, server.url, "0" * 64)
    assert str(caught.value).startswith(f"{server.url}: download failed 3 times ({status} ")
    assert str(caught.value).endswith(
        "); try again, or set dataset.path to a copy, or dataset.source to 'surnames'"
    )
    assert server.requests == 3


def test_a_server_with_another_body(server: Server) -> None:
    server.answers = [(200, b"<html>moved</html>", 18)]
    with pytest.raises(UserError, match="SHA256 hash of downloaded file"):
        tutorial.read(None, server.url, hashlib.sha256(server.content).hexdigest())


def test_a_server_that_does_not_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tutorial, "_TIMEOUT", 0.1)
    server.delay = 0.5
    server.answers = [server.whole]
    with pytest.raises(UserError, match=r"download failed 3 times \(.*timed out"):
        tutorial.read(None, server.url, hashlib.sha256(server.content).hexdigest())


def test_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tutorial, "_pause", lambda _: None)
    with pytest.raises(UserError, match="download failed 3 times"):
        tutorial.read(None, "http://127.0.0.1:9/data.zip", "0" * 64)
    assert list(tmp_path.rglob("*.zip")) == []


# --- Any input gives a result or the documented error -------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_are_lines_or_refused(content: bytes) -> None:
    try:
        lines = decode_lines(content, "here")
    except UserError as error:
        assert str(error).startswith("here: ")
    else:
        assert not any(symbol in line for line in lines for symbol in "\r\n")


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.text(max_size=8), max_size=8)))
def test_any_lines_are_a_tidy_table_or_refused(names: dict[str, list[str]]) -> None:
    raw = RawNames(names, "test", "1", "none", "here")
    try:
        data = datasets.tidy(raw, datasets.Spelling())
    except UserError as error:
        assert str(error).startswith("here: ")
        return
    assert data.rows == sorted(set(data.rows))
    for _, name in data.rows:
        assert name
        assert name == normalise(name).strip()
    manifest = data.manifest
    assert manifest["lines"] == manifest["names"] + len(manifest["dropped_lines"])


@settings(max_examples=200)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=40))
def test_any_damage_to_an_archive_is_read_or_refused(place: int, patch: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in ("one", "two"):
            member(f"names/{name}.txt")(file)
    content = bytearray(buffer.getvalue())
    content[place : place + len(patch)] = patch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.zip")
        path.write_bytes(content)
        try:
            names = tutorial.read_zip(path)
        except UserError as error:
            assert str(error).startswith(str(path))
        else:
            assert names


@given(
    names=st.lists(st.text(WORKSHEET.symbols, min_size=1, max_size=9), min_size=1, max_size=9),
    level=st.integers(0, 12),
    seed=st.integers(0, 2**32 - 1),
    cut=st.integers(0, 20),
)
def test_the_sampler_keeps_names_whole_and_does_not_depend_on_portions(
    names: list[str], level: int, seed: int, cut: int
) -> None:
    examples = Examples.of_names([("a", name) for name in names], ["a"])
    whole = TrainingStream(examples, Noise(level), seed).take(20)
    stream = TrainingStream(examples, Noise(level), seed)
    parts = [stream.take(cut), stream.take(20 - cut)]
    characters = [part.text(i) for part in parts for i in range(len(part))]
    assert characters == [whole.text(i) for i in range(20)]
    noise = ".,;'"
    for text in characters:
        assert any(
            text.startswith(stem)
            and len(text) - len(stem) <= (level + 1 if level else 0)
            and set(text[len(stem) :]) <= set(noise)
            for stem in set(names)
        )
