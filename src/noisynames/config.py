"""Check a config against its schema and fill in the defaults, before any job runs."""

import copy
import json
import math
import os
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from noisynames.errors import UserError
from noisynames.models.labels import labels
from noisynames.models.spec import CELLS, NAME, READOUTS, spec_from
from noisynames.names import dataset as datasets
from noisynames.names import splits
from noisynames.names.alphabet import ALPHABETS
from noisynames.names.noise import PLACEMENTS
from noisynames.randomness import SOURCES
from noisynames.settings import call
from noisynames.training.engines import ENGINES, check_name, chosen
from noisynames.training.hyperparameters import OPTIMIZERS, Hyperparameters

Schema = Mapping[str, Any]
SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
REGISTRIES: Mapping[str, Collection[str]] = {
    "alphabets": ALPHABETS,
    "cells": CELLS,
    "engines": ENGINES,
    "optimizers": OPTIMIZERS,
    "placements": PLACEMENTS,
    "readouts": READOUTS,
    "sources": datasets.SOURCES,
    "variance": SOURCES,
}
"""Names that the code knows, by registry: `registry: cells` in the schema is an `enum` of these."""
_SHOWN = 80


def resolve(
    config: Mapping[str, Any], schema_file: Path = SCHEMA, beside: Sequence[Path] = ()
) -> dict[str, Any]:
    """Return `config` with every default filled in, `seeds` and `noise.placement` as lists.

    Args:
        config: The config as read from YAML.
        schema_file: The schema.
        beside: The folders of the config's files, where `dataset.path` is looked for, too.

    Raises:
        UserError: Something is wrong; one line names the key, what was found, what is allowed.
    """
    schema = read_schema(schema_file)
    config = _read_again(copy.deepcopy(dict(config)), schema)
    _check_keys(config)
    if isinstance(training := config.get("training"), Mapping):
        check_name(training.get("engine"))
    error = min(
        _validator(schema).iter_errors(config), key=lambda e: list(map(str, e.path)), default=None
    )
    if error is not None:
        raise UserError(_one_line(error))
    resolved: dict[str, Any] = _with_defaults(config, schema)
    if isinstance(resolved["seeds"], int):
        resolved["seeds"] = list(range(resolved["seeds"]))
    _plan_looks(resolved["comparison"], len(resolved["seeds"]))
    if isinstance(resolved["noise"]["placement"], str):
        resolved["noise"]["placement"] = [resolved["noise"]["placement"]]
    resolved["models"] = _swept(resolved["models"])
    for spec in resolved["models"].values():
        for key in spec.keys() & resolved["training"]:
            if spec[key] is None:
                spec[key] = resolved["training"][key]
        if spec["seeds_vary"] is None:
            spec["seeds_vary"] = resolved["seeds_vary"]
    _check_models(resolved)
    _check_engine(resolved)
    source, path = resolved["dataset"]["source"], resolved["dataset"]["path"]
    datasets.check_path(source, path and Path(path))
    _find_names(resolved["dataset"], beside)
    _check_names(resolved["dataset"], resolved["noise"]["characters"])
    return resolved


def read_schema(file: Path) -> Schema:
    """Read a schema, with its registries filled in."""
    # In C, where PyYAML has it: every command of Snakemake waits for this.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    schema: Schema = _with_registries(loader(file.read_text(encoding="utf-8")).get_single_data())
    _allow_sweeps(schema["properties"]["models"]["additionalProperties"]["properties"])
    return schema


def _allow_sweeps(of_model: dict[str, Any]) -> None:
    """Let a sweep have a list of values for any key of a model that a sweep may vary."""
    of_model["sweep"]["properties"] = {
        key: {"type": "array", "minItems": 1, "uniqueItems": True, "items": part}
        for key, part in of_model.items()
        if key not in ("cell", "module", "options", "label", "sweep")
    }


def _with_registries(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_registries(item) for item in part]
    if not isinstance(part, Mapping):
        return part
    filled = {key: _with_registries(item) for key, item in part.items()}
    if isinstance(name := filled.pop("registry", None), str):
        filled["enum"] = [*REGISTRIES[name], *([None] if "null" in filled["type"] else [])]
    return filled


def _check_keys(value: Any, place: str = "") -> None:
    """Refuse keys that YAML does not read as text."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                found = json.dumps(key) if isinstance(key, bool | None) else str(key)
                raise UserError(f"{place or 'config'}: key {found} is not text; quote it")
            _check_keys(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for item in value:
            _check_keys(item, place)


class _StrictLoader(yaml.SafeLoader):
    """A YAML loader that refuses what does not mean what it looks like.

    That is a key that occurs twice in a mapping, a key that is not text, and a number that YAML 1.1
    reads in base 8 or 60.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping after checking its keys."""
        seen = set()
        for key_node, _ in node.value:
            key = key_node.value
            kind = key_node.tag.rpartition(":")[2]
            line = key_node.start_mark.line + 1
            if kind == "merge":
                continue
            if kind != "str":
                raise UserError(f"line {line}: key {key} is not text in YAML; quote it: '{key}'")
            if key in seen:
                raise UserError(f"line {line}: key {key!r} occurs twice; allowed: each key once")
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Build an integer in base 10, 16 or 2."""
        number: int = super().construct_yaml_int(node)
        if re.fullmatch(r"[-+]?0[0-7_]+|.*:.*", node.value):
            line = node.start_mark.line + 1
            raise UserError(
                f"line {line}: found {node.value}, which YAML reads as {number}; "
                "allowed: digits without a leading 0 or a colon"
            )
        return number


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_yaml_int)


def check_file(path: Path) -> None:
    """Refuse a YAML config that does not mean what it looks like; see `_StrictLoader`.

    Snakemake itself accepts it, with the last of any repeated keys.

    Raises:
        UserError: The file is refused, or is not YAML.
    """
    try:
        _StrictLoader(path.read_text(encoding="utf-8")).get_single_data()
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not YAML ({str(error).splitlines()[0]})") from None


def _plan_looks(comparison: dict[str, Any], seeds: int) -> None:
    """Expand the planned looks to a list, which must contain the number of seeds."""
    looks = comparison["looks"]
    if looks is None:
        return
    looks = list(range(10, 10 * looks + 1, 10)) if isinstance(looks, int) else sorted(looks)
    if seeds not in looks:
        planned = ", ".join(map(str, looks))
        raise UserError(f"comparison.looks: at {planned} seeds; found {seeds} seeds")
    comparison["looks"] = looks


def _swept(models: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return models with each sweep replaced by the models that it stands for."""
    found: dict[str, dict[str, Any]] = {}
    for name, spec in models.items():
        sweep = spec.pop("sweep")
        for values in product(*sweep.values()):
            one = name + "".join(f"_{_in_name(value)}" for value in values)
            if one in found or (sweep and one in models):
                raise UserError(f"models.{name}.sweep: makes {one!r}, which already exists")
            if not re.fullmatch(NAME, one):
                raise UserError(f"models.{name}.sweep: makes {one!r}; allowed: 40 characters")
            found[one] = {**spec, **dict(zip(sweep, values, strict=True))}
            if sweep and spec["label"] is not None:
                shown = ", ".join(
                    f"{key} {value}" for key, value in zip(sweep, values, strict=True)
                )
                found[one]["label"] = f"{spec['label']}, {shown}"
    return found


def _in_name(value: Any) -> str:
    """Return a value as part of a name: `0_001`; a list of all sources of variance is `all`."""
    if isinstance(value, list):
        return "all" if {*value} == {*SOURCES} else "_".join(value)
    return re.sub(r"\W", "_", value if isinstance(value, str) else json.dumps(value))


def _check_models(config: Mapping[str, Any]) -> None:
    """Refuse specifications with parts that do not go together."""
    folders: dict[str, str] = {}
    for name, spec in config["models"].items():
        if name.lower() in config["baselines"]:
            raise UserError(f"models.{name}: a baseline has this name; take another")
        other = folders.setdefault(name.lower(), name)
        if other != name:
            raise UserError(
                f"models.{name}: differs from {other!r} only in case, and on some disks they would "
                "share a folder; take another name"
            )
        try:
            spec_from(spec)
            call(Hyperparameters, {**config["training"], **spec})
        except UserError as error:
            raise UserError(f"models.{name}.{error}") from None
        if spec["module"] is not None:
            custom_source(spec["module"], f"models.{name}.module")
    labels(config["models"])


def custom_source(module: str, key: str = "module") -> Path:
    """Return the source file of a custom model, `package.module:Class`, without importing it.

    Raises:
        UserError: There is no such file in the working directory or among the packages.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    package = module.split(":", maxsplit=1)[0]
    try:
        found = find_spec(package)
    except ImportError:
        found = None
    if found is None or found.origin is None:
        raise UserError(f"{key}: found {module!r}, but there is no module {package!r} here")
    return Path(found.origin)


def _check_engine(config: Mapping[str, Any]) -> None:
    """Refuse an engine for a model that it cannot train."""
    for name, spec in config["models"].items():
        try:
            chosen(config["training"]["engine"], spec_from(spec))
        except UserError as error:
            raise UserError(f"models.{name}: {error}") from None


def _find_names(dataset: dict[str, Any], beside: Sequence[Path]) -> None:
    """Make `dataset.path` lead to the names from here, if they are only beside the config."""
    if dataset["path"] is None or not beside or Path(dataset["path"]).exists():
        return
    places = [Path(dataset["path"]), *(folder / dataset["path"] for folder in beside)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        looked = " and ".join(dict.fromkeys(str(place.absolute()) for place in places))
        raise UserError(f"dataset.path: {dataset['path']} does not exist; looked for {looked}")
    dataset["path"] = os.path.relpath(found)


def _check_names(dataset: Mapping[str, Any], characters: str) -> None:
    """Read names that are on this machine, so that their faults show before any job runs."""
    fractions = [dataset["test_fraction"], dataset["validation_fraction"]]
    keys = ("alphabet", "min_symbol_count", "transliterate")
    how = {key: dataset[key] for key in keys}
    spelling = datasets.Spelling(**how, noise_characters=characters)
    unusual = not 0.02 <= fractions[0] <= 0.98 or fractions[1] > 0  # else all of Faker's lists fit
    unusual |= spelling.transliterate is False or spelling.min_symbol_count > 1
    at_hand = not datasets.SOURCES[dataset["source"]].path  # others are downloaded
    if dataset["path"] is not None or (at_hand and unusual):
        names = datasets.load(
            dataset["source"], dataset["path"] and Path(dataset["path"]), spelling
        )
        splits.check_counts(names.rows, *fractions)


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _validator(schema: Schema) -> Draft202012Validator:
    """Return a validator that refuses NaN and infinity as numbers, and 5.0 as an integer."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    )
    strict: Any = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    validator: Draft202012Validator = strict(schema)
    return validator


def _one_line(error: ValidationError) -> str:
    place = ".".join(map(str, error.absolute_path)) or "config"
    schema: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known = sorted(schema["properties"])
        unknown = sorted(str(key) for key in instance if key not in known)[0]
        close = get_close_matches(unknown, known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        key = unknown if place == "config" else f"{place}.{unknown}"
        return f"{key}: unknown key; {hint}allowed: {', '.join(known)}"
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in instance)
        return f"{place}.{missing}: missing; allowed: {allowed(schema['properties'][missing])}"
    if "propertyNames" in error.absolute_schema_path:
        return f"{place}: {instance!r} is not a name; allowed: {schema['description']}"
    if error.validator == "uniqueItems":
        repeated = next(x for i, x in enumerate(instance) if x in instance[:i])
        return f"{place}: found {repeated!r} more than once; allowed: each value once"
    if error.validator == "anyOf" and isinstance(instance, list):
        # A list was meant, so its own fault says more than "neither a number nor a list".
        nested = [e for e in error.context or [] if "items" in schema["anyOf"][e.schema_path[0]]]
        if nested:
            return _one_line(nested[0])
    found = repr(instance)
    shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
    return f"{place}: found {shown}; allowed: {allowed(schema)}"


def allowed(schema: Schema) -> str:
    """Say in words what a schema allows."""
    if "enum" in schema:
        return "one of " + ", ".join("null" if v is None else str(v) for v in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(allowed(option) for option in schema["anyOf"])
    words = []
    for kind in _types(schema):
        if kind in ("integer", "number"):
            article = "an integer" if kind == "integer" else "a finite number"
            words.append(article + _bounds(schema))
        elif kind == "array":
            words.append(f"a list of distinct values, each {allowed(schema['items'])}")
        elif kind == "object":
            keys = ", ".join(schema.get("properties", {})) or "at least one name as key"
            words.append(f"a mapping with {keys}")
        elif kind == "string":
            known = "package.module:Class" if "pattern" in schema else "text"
            words.append("text that is not empty" if schema.get("minLength") else known)
        elif kind == "boolean":
            words.append("true or false")
        else:
            words.append("null")
    return " or ".join(words)


def _bounds(schema: Schema) -> str:
    texts = {
        "minimum": "at least",
        "exclusiveMinimum": "greater than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [f"{text} {schema[key]}" for key, text in texts.items() if key in schema]
    return " " + " and ".join(bounds) if bounds else ""


def _read_again(value: Any, schema: Schema) -> Any:
    """Read text as YAML wherever the schema does not allow text.

    Snakemake passes on the values inside `--config 'training={updates: 100}'` as text.
    """
    if isinstance(value, str) and "string" not in _types(schema):
        with suppress(ValueError):
            return _number(value)  # YAML reads 1e-3 as text
        with suppress(yaml.YAMLError):
            return yaml.safe_load(value)
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        known = {key: parts.get(key, rest) for key in value}
        return {
            key: _read_again(item, known[key]) if isinstance(known[key], Mapping) else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        options = [schema, *schema.get("anyOf", [])]
        items = next((option["items"] for option in options if "items" in option), None)
        return [_read_again(item, items) for item in value] if items else value
    return value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _types(schema: Schema) -> list[str]:
    if "anyOf" in schema:
        return [kind for option in schema["anyOf"] for kind in _types(option)]
    kinds = schema["type"]
    return kinds if isinstance(kinds, list) else [kinds]


def _with_defaults(value: Any, schema: Schema) -> Any:
    """Fill in defaults, with keys in the schema's order: a reordered file means the same."""
    if not isinstance(value, dict) or not {"properties", "additionalProperties"} & schema.keys():
        return value
    filled = {}
    for key, part in schema.get("properties", {}).items():
        if key in value or "default" in part:
            given = value[key] if key in value else copy.deepcopy(part["default"])
            filled[key] = _with_defaults(given, part)
    rest = schema.get("additionalProperties")
    if isinstance(rest, Mapping):
        filled |= {key: _with_defaults(part, rest) for key, part in value.items()}
    return filled
