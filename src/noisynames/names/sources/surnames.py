"""The offline default: the surname lists of the Faker library, in 18 languages."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import version

from noisynames.names.sources.raw import RawNames, Source

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


def read(latin: bool) -> RawNames:
    """Return every surname list of each locale.

    Args:
        latin: Whether to use lists in Latin letters where a locale has any.
    """
    return RawNames(
        names={language: list(_listed(locale, latin)) for language, locale in LOCALES.items()},
        source="surnames: Faker's lists",
        version=f"faker {version('faker')}",
        licence="MIT (Faker)",
        place="dataset.source: surnames",
    )


def _listed(locale: str, latin: bool) -> Iterator[str]:
    """Yield the names of all surname lists (male, female, unisex) that the locale itself defines.

    Attributes inherited from Faker's base provider are placeholders (`Doe`). Where a locale has a
    romanised list, only that list is used if Latin letters are wanted; otherwise it is left out.
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
    native = {a: names for a, names in lists.items() if a not in romanised}
    for names in ((romanised or native) if latin else native).values():
        yield from names


SOURCE = Source(lambda path, latin: read(latin), is_latin=True)
