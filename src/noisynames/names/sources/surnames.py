"""The offline default: the surname lists that the Faker library curates, 18 languages."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version

from noisynames.names.sources.raw import RawNames, all_romanised

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


def read(transliterate: bool = True) -> RawNames:
    """Return every surname list of each locale, transliterated to Latin letters or as it is.

    Args:
        transliterate: Whether to return names as `raw.romanised` has them.
    """
    raw = RawNames(
        names={
            language: list(_listed(locale, transliterate)) for language, locale in LOCALES.items()
        },
        source="surnames: Faker's lists",
        version=f"faker {version('faker')}",
        licence="MIT (Faker)",
        place="dataset.source: surnames",
    )
    return all_romanised(raw) if transliterate else raw


def _listed(locale: str, romanised: bool) -> Iterator[str]:
    """Yield the names of all surname lists (male, female, unisex) that the locale itself defines.

    Attributes inherited from Faker's base provider are placeholders (`Doe`). Where a locale has a
    romanised list, that list alone speaks for it if romanised names are wanted, and not otherwise.
    """
    provider = import_module(f"faker.providers.person.{locale}").Provider
    lists: dict[str, Iterable[str]] = {
        attribute: value
        for attribute, value in vars(provider).items()
        if attribute.endswith("last_names")
        or attribute.startswith("last_names_")
        or attribute == "last_romanized_names"
    }
    latin = {a: names for a, names in lists.items() if "romanized" in a}
    native = {a: names for a, names in lists.items() if a not in latin}
    for names in ((latin or native) if romanised else native).values():
        yield from names
