import hashlib
import unicodedata
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from archives import Server, archive, server

from noisynames.errors import UserError
from noisynames.names import dataset as datasets
from noisynames.names.dataset import Spelling
from noisynames.names.sources import tutorial

__all__ = ["server"]


@pytest.fixture(scope="module")
def surnames() -> datasets.Dataset:
    return datasets.load("surnames")


def write_names(folder: Path, **labels: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for label, text in labels.items():
        (folder / f"{label}.txt").write_text(text, encoding="utf-8")
    return folder


def test_surnames_offer_18_languages_of_at_least_90_names(surnames: datasets.Dataset) -> None:
    counts = {language: count["names"] for language, count in surnames.manifest["counts"].items()}
    assert len(counts) == 18
    assert min(counts.values()) >= 90


def test_surnames_hold_no_placeholder(surnames: datasets.Dataset) -> None:
    assert ("Polish", "Doe") not in surnames.rows


def test_letter_case_does_not_give_the_language_away(surnames: datasets.Dataset) -> None:
    for language in surnames.languages:
        names = [name for label, name in surnames.rows if label == language]
        capital = sum(name[0].isupper() for name in names) / len(names)
        shouted = sum(name.isupper() and len(name) > 1 for name in names)
        assert capital > 0.65, language  # Dutch has its "van der Ven"
        assert shouted == 0, language


def test_letters_without_decomposition_survive(surnames: datasets.Dataset) -> None:
    assert any(name.startswith("Pawlowsk") for _, name in surnames.rows)


def test_every_line_is_accounted_for(surnames: datasets.Dataset) -> None:
    manifest = surnames.manifest
    assert manifest["lines"] == manifest["names"] + len(manifest["dropped_lines"])
    assert {"source", "version", "licence", "sha256"} <= manifest.keys()


def test_the_manifest_says_what_was_dropped_and_what_is_shared(tmp_path: Path) -> None:
    folder = write_names(tmp_path, one="Weiß\nWei\nRoe\n日本\n", two="Roe\nPark \n Park\n")
    data = datasets.load("directory", folder)
    assert data.rows == [("one", "Roe"), ("one", "Wei"), ("two", "Park"), ("two", "Roe")]
    assert data.manifest["shared_names"] == {"Roe": ["one", "two"]}
    reasons = [(d["line"], d["reason"]) for d in data.manifest["dropped_lines"]]
    assert reasons == [
        ("Wei", "duplicate within its language after normalisation"),
        ("日本", "nothing left after normalisation"),
        (" Park", "duplicate within its language after normalisation"),
    ]
    characters = {d["character"]: d["count"] for d in data.manifest["dropped_characters"]}
    assert characters == {"ß": 1, "日": 1, "本": 1, " ": 2}
    assert data.manifest["counts"] == {
        "one": {"lines": 4, "names": 2},
        "two": {"lines": 3, "names": 2},
    }
    totals = {"languages": 2, "lines": 7, "names": 4, "distinct_names": 3}
    assert data.manifest.items() >= totals.items()


def test_the_manifest_identifies_the_names_and_their_source(tmp_path: Path) -> None:
    data = datasets.load("directory", write_names(tmp_path / "own", one="Roe\n", two="Park\n"))
    datasets.write(data, tmp_path)
    content = (tmp_path / datasets.NAMES).read_bytes()
    assert content == b"language,name\none,Roe\ntwo,Park\n"
    assert data.manifest["sha256"] == hashlib.sha256(content).hexdigest()
    assert data.manifest["alphabet"] == {"rule": "worksheet", "symbols": data.alphabet.symbols}
    raw = datasets.SOURCES["directory"].read(tmp_path / "own", False)
    assert [data.manifest[key] for key in ("source", "version", "licence")] == [
        raw.source, raw.version, raw.licence,
    ]  # fmt: skip


def test_an_alphabet_made_of_names_keeps_them_as_they_are(tmp_path: Path) -> None:
    folder = write_names(
        tmp_path, one="Weiß\nKılıç\nKılıç\n日本\n", two="Ro\u0308e\n Röe\nA\u00a0\u200eB\n"
    )
    data = datasets.load("directory", folder, Spelling("data", noise_characters="·"))
    assert [name for _, name in data.rows] == ["Kılıç", "Weiß", "日本", "A B", "Röe"]
    manifest = data.manifest
    assert manifest["alphabet"]["rule"] == "data"
    assert (
        manifest["alphabet"]["symbols"]
        == data.alphabet.symbols
        == "".join(sorted(" ABKRWeilçößı日本·"))
    )
    assert manifest["alphabet"]["counts"]["ı"] == 2
    assert manifest["alphabet"]["counts"]["·"] == 0
    assert manifest["dropped_characters"] == [
        {"character": " ", "reason": "space around the name", "count": 1},
        {"character": "\u200e", "reason": "not printable", "count": 1},
    ]
    assert manifest["lines"] == manifest["names"] + len(manifest["dropped_lines"]) == 7


def test_rare_symbols_are_dropped_and_accounted_for(tmp_path: Path) -> None:
    folder = write_names(tmp_path, one="Añña\nBeñ\nx\n", two="Ben\nNab\nAe\n")
    data = datasets.load("directory", folder, Spelling("data", 3, noise_characters="."))
    assert data.rows == [("one", "eñ"), ("one", "ññ"), ("two", "e")]
    assert data.alphabet.symbols == ".eñ"
    assert data.manifest["alphabet"] == {
        "rule": "data",
        "symbols": ".eñ",
        "min_symbol_count": 3,
        "counts": {".": 0, "e": 3, "ñ": 3},
    }
    dropped = {
        d["character"]: (d["reason"], d["count"]) for d in data.manifest["dropped_characters"]
    }
    assert dropped["A"] == ("too rare", 2)
    assert {"line": "x", "language": "one", "reason": "nothing left after normalisation"} in (
        data.manifest["dropped_lines"]
    )


def test_own_names_are_put_into_latin_letters_as_the_offline_ones_are(tmp_path: Path) -> None:
    folder = write_names(tmp_path, one="Çelik\nPawłowska\n", two="王\nпопов\nVAN DAM\n")
    data = datasets.load("directory", folder, Spelling(transliterate=True))
    assert [name for _, name in data.rows] == ["Celik", "Pawlowska", "Popov", "Van dam", "Wang"]
    assert "anyascii" in data.manifest["version"]
    plain = datasets.load("directory", folder, Spelling("data", transliterate=False))
    assert [name for _, name in plain.rows][:2] == ["Pawłowska", "Çelik"]


def test_the_offline_names_have_their_own_scripts(surnames: datasets.Dataset) -> None:
    native = datasets.load("surnames", None, Spelling("data", transliterate=False))
    assert native.languages == surnames.languages
    scripts = {"Armenian": "ARMENIAN", "Chinese": "CJK", "Georgian": "GEORGIAN", "Greek": "GREEK",
               "Russian": "CYRILLIC"}  # fmt: skip
    for language, script in scripts.items():
        letters = {
            c for label, name in native.rows if label == language for c in name if c.isalpha()
        }
        assert all(script in unicodedata.name(letter) for letter in letters), language
    assert "anyascii" not in native.manifest["version"]
    assert {"ł", "ä", "č"} <= set(native.alphabet.symbols)


def test_names_are_read_with_their_alphabet(tmp_path: Path) -> None:
    folder = write_names(tmp_path / "names", one="王\n李\n", two="Işık\n")
    data = datasets.load("directory", folder, Spelling("data"))
    datasets.write(data, tmp_path)
    again = datasets.read(tmp_path / datasets.NAMES)
    assert (again.rows, again.alphabet) == (data.rows, data.alphabet)


def test_byte_order_marks_and_windows_line_endings_are_not_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_bytes(b"\xef\xbb\xbfAdams\r\nBaker\r\n")
    (tmp_path / "two.txt").write_bytes(b"Clark")
    data = datasets.load("directory", tmp_path)
    assert data.rows == [("one", "Adams"), ("one", "Baker"), ("two", "Clark")]


def test_one_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"found 1 label.*at least 2"):
        datasets.load("directory", write_names(tmp_path, only="Adams\n"))


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    write_names(tmp_path, one="Adams\n")
    (tmp_path / "two.txt").write_bytes("Müller".encode("latin-1"))
    with pytest.raises(UserError, match=r"two\.txt: not UTF-8 text \(byte 1\)"):
        datasets.load("directory", tmp_path)


def test_other_files_than_name_files_are_named_and_not_read(tmp_path: Path) -> None:
    for name in ("A.txt", "B.txt", "D.TXT", "E.text", ".hidden.txt"):
        (tmp_path / name).write_text("Roe\nPoe\n")
    (tmp_path / "C.txt").mkdir()
    (tmp_path / "C.txt" / "F.txt").write_text("Doe\n")
    (tmp_path / ".#A.txt").symlink_to("someone@host.1234")
    data = datasets.load("directory", tmp_path)
    assert data.languages == ["A", "B"]
    assert data.manifest["left_out"] == {
        ".#A.txt": "hidden",
        ".hidden.txt": "hidden",
        "C.txt": "a folder",
        "D.TXT": "its name does not end in .txt",
        "E.text": "its name does not end in .txt",
    }
    read = datasets.local_files("directory", tmp_path)
    assert [file.name for file in read] == ["A.txt", "B.txt"]


def test_a_link_that_leads_nowhere_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "A.txt").write_text("Roe\n")
    (tmp_path / "B.txt").symlink_to(tmp_path / "gone.txt")
    with pytest.raises(UserError) as error:
        datasets.load("directory", tmp_path)
    assert str(error.value) == (
        f"{tmp_path}/B.txt: a link that leads nowhere; mend it or remove it"
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not a folder"):
        datasets.load("directory", tmp_path / "nowhere")


def test_the_tutorials_names_come_from_a_zip_file_or_a_folder(tmp_path: Path) -> None:
    expected = [("Dutch", "Aalts"), ("Dutch", "Bos"), ("Greek", "Adamou")]
    path = archive(tmp_path / "data.zip")
    assert datasets.load("tutorial", path).rows == expected
    with zipfile.ZipFile(path) as content:
        content.extractall(tmp_path / "unpacked")
    assert datasets.load("tutorial", tmp_path / "unpacked").rows == expected
    assert datasets.load("tutorial", tmp_path / "unpacked/data/names").rows == expected


def test_a_file_that_is_not_an_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_text("<html>not found</html>")
    with pytest.raises(UserError, match=r"data\.zip: not a readable zip file"):
        datasets.load("tutorial", path)


def fetch(server: Server) -> dict[str, list[str]]:
    checksum = hashlib.sha256(server.content).hexdigest()
    return tutorial.read(None, server.url, checksum).names


def test_every_module_that_describes_a_source_is_a_source() -> None:
    assert set(datasets.SOURCES) == {"directory", "surnames", "tutorial"}


@pytest.mark.parametrize(
    ("spelling", "allowed"),
    [(("data", 0), "at least 1"), (("worksheet", 2), "1 with the alphabet 'worksheet'")],
)
def test_an_impossible_count_is_refused(spelling: tuple[str, int], allowed: str) -> None:
    with pytest.raises(UserError) as caught:
        Spelling(*spelling)
    assert str(caught.value) == (
        f"dataset.min_symbol_count: found {spelling[1]}; allowed: {allowed}"
    )


def test_surnames_and_own_names_say_where_they_come_from(tmp_path: Path) -> None:
    offline = datasets.SOURCES["surnames"].read(None, True)
    own = datasets.SOURCES["directory"].read(tmp_path, False)
    assert offline.source == "surnames: Faker's lists"
    assert offline.version == f"faker {version('faker')}"
    assert offline.licence == "MIT (Faker)"
    assert offline.place == "dataset.source: surnames"
    assert (own.source, own.version) == ("directory", "the files as they are")
    assert own.licence == "the user's own"
    assert own.place == f"dataset.path: {tmp_path}"


def test_a_copy_of_the_tutorials_names_says_where_it_comes_from(tmp_path: Path) -> None:
    raw = tutorial.read(archive(tmp_path / "data.zip"))
    assert raw.source == (
        "tutorial: names of the PyTorch tutorial on character-level classification"
    )
    assert raw.licence == "MIT (Sean Robertson)"
    assert raw.version == "a local copy"
    assert raw.place == f"dataset.path: {tmp_path / 'data.zip'}"


def test_a_download_is_checked_and_cached(server: Server, tmp_path: Path) -> None:
    server.answers = [server.whole]
    assert fetch(server) == {"Dutch": ["Aalts", "Bos"], "Greek": ["Adamou"]}
    fetch(server)
    assert server.requests == 1
    assert (tmp_path / "cache/noisynames/names.zip").read_bytes() == server.content


def test_a_broken_download_is_tried_again(server: Server) -> None:
    server.answers = [server.missing, server.cut_off, server.whole]
    assert fetch(server)["Greek"] == ["Adamou"]
    assert server.requests == 3


@pytest.mark.parametrize("fault", ["altered", "cut_off", "missing"])
def test_a_download_that_remains_broken_is_never_used(
    server: Server, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(tutorial, "_pause", pauses.append)
    server.answers = [getattr(server, fault)]
    with pytest.raises(UserError, match=r"download failed 3 times.*dataset.path"):
        fetch(server)
    assert pauses == [1, 2], "longer each time, and none before giving up"
    server.answers = [server.whole]
    assert fetch(server)["Greek"] == ["Adamou"], "what came before must not have been kept"


def test_a_download_that_fails_without_a_message_is_described_by_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> str:
        raise TimeoutError

    monkeypatch.setattr(tutorial, "_pause", lambda _: None)
    monkeypatch.setattr("pooch.retrieve", fails)
    with pytest.raises(UserError, match=r"download failed 3 times \(TimeoutError\)"):
        tutorial.download("http://localhost/names.zip", "0" * 64)


def test_facts_of_the_tutorials_names(tutorial_names: Path) -> None:
    manifest = datasets.load("tutorial", tutorial_names).manifest
    assert manifest["lines"] == 20_050
    assert manifest["languages"] == 18
    assert manifest["counts"]["Arabic"] == {"lines": 2000, "names": 108}
    # The worksheet's page counts 17,421 and 476 with "Park " and "Park" as two names.
    assert manifest["distinct_names"] == 17_416
    assert len(manifest["shared_names"]) == 480
