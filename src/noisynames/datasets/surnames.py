"""The offline default: the surname lists that the Faker library curates, 18 languages."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version

from noisynames.datasets.raw import RawNames

LOCALES = {
    "Armenian": "hy_AM",
    "Chinese": "zh_TW",
    "Croatian": "hr_HR",
    "Czech": "cs_CZ",
    "Dutch": "nl_NL",
    "English": "en_GB",
    "Finnish": "fi_FI",
    "French": "fr_FR",
    "Georgian": "ka_GE",
    "German": "de_DE",
    "Greek": "el_GR",
    "Irish": "ga_IE",
    "Italian": "it_IT",
    "Polish": "pl_PL",
    "Portuguese": "pt_PT",
    "Russian": "ru_RU",
    "Spanish": "es_ES",
    "Swedish": "sv_SE",
}


def read() -> RawNames:
    """Return every surname list of each locale, transliterated to Latin letters.

    Other scripts go through anyascii; so do Latin letters that the alphabet would lose (ł, ß).
    Names all in one case (a script without capitals, a romanisation in capitals) get an initial
    capital, so that letter case says nothing of the language.
    """
    return RawNames(
        names={language: list(_romanised(locale)) for language, locale in LOCALES.items()},
        source="surnames: Faker's lists",
        version=f"faker {version('faker')}, anyascii {version('anyascii')}",
        licence="MIT (Faker)",
        place="dataset.source: surnames",
    )


def _romanised(locale: str) -> Iterator[str]:
    from anyascii import anyascii

    for name in _listed(locale):
        latin = anyascii(name)
        if latin.islower() or latin.isupper():
            latin = latin.capitalize()
        yield latin


def _listed(locale: str) -> Iterator[str]:
    """Yield the names of all surname lists (male, female, unisex) that the locale itself defines.

    Attributes inherited from Faker's base provider are placeholders (`Doe`). Where a locale has a
    romanised list, that list speaks for it.
    """
    provider = import_module(f"faker.providers.person.{locale}").Provider
    lists: dict[str, Iterable[str]] = {
        attribute: value
        for attribute, value in vars(provider).items()
        if attribute.endswith("last_names")
        or attribute.startswith("last_names_")
        or attribute == "last_romanized_names"
    }
    romanised = {a: names for a, names in lists.items() if "romanized" in a}
    for names in (romanised or lists).values():
        yield from names
