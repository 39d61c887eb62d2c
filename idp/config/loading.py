"""Reading settings from a TOML file and the environment; each fault is told with file, key and what would be right."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from idp.config.sections import Section
from idp.config.settings import Settings
from idp.errors import ConfigError

ENVIRONMENT_PREFIX = "IDP_"


def load_settings(path: Path | None = None, environment: dict[str, str] | None = None) -> Settings:
    """Read the settings from a TOML file (`IDP_CONFIG` where none is given) and the environment.

    Raises `ConfigError`, one line per fault: file, key, what would be right.
    """
    variables = dict(os.environ) if environment is None else environment
    if path is None and variables.get("IDP_CONFIG"):
        path = Path(variables["IDP_CONFIG"])
    values = _read_file(path) if path else {}
    source = str(path) if path else "defaults"
    for section, content in values.items():
        if section == "source":
            raise ConfigError(f"{source}: source: is not a known setting; known are: {', '.join(_known_keys(()))}")
        if section in Settings.model_fields and not isinstance(content, dict):
            raise ConfigError(f"{source}: {section}: must be a table; write [{section}] and its keys below it")
    from_environment = _merge_environment(values, variables)
    try:
        return Settings.model_validate({**values, "source": source})
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(source, fault, from_environment) for fault in error.errors())) from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; copy config.example.toml and change it") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None


def _merge_environment(values: dict[str, Any], variables: dict[str, str]) -> dict[tuple[str, ...], str]:
    """Lay `IDP_SECTION__KEY` over the file; lists are separated by commas. Out: which variable a key came from."""
    came_from: dict[tuple[str, ...], str] = {}
    for name, text in variables.items():
        _check_spelling(name)
        if not name.startswith(ENVIRONMENT_PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        model = Settings.model_fields.get(section)
        annotation = cast(Any, model.annotation) if model else None
        field = (
            annotation.model_fields.get(key)
            if isinstance(annotation, type) and issubclass(annotation, Section)
            else None
        )
        is_list = field is not None and "tuple" in str(field.annotation)
        value: Any = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
        values.setdefault(section, {})[key] = value
        came_from[section, key] = name
    return came_from


def _check_spelling(name: str) -> None:
    """One underscore where two belong would be read as nothing at all."""
    section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
    model = Settings.model_fields.get(section)
    keys = getattr(model.annotation, "model_fields", {}) if model else {}
    if name.startswith(ENVIRONMENT_PREFIX) and key in keys:
        right = f"{ENVIRONMENT_PREFIX}{section}__{key}".upper()
        raise ConfigError(f"{name} in the environment: is not a known setting; two underscores are needed: {right}")


def _explain(source: str, fault: Any, from_environment: dict[tuple[str, ...], str]) -> str:
    variable = next((name for place, name in from_environment.items() if fault["loc"][: len(place)] == place), None)
    source = f"{variable} in the environment" if variable else source
    key = ".".join(str(part) for part in fault["loc"]) or "settings"
    if fault["type"] == "extra_forbidden":
        known = ", ".join(_known_keys(fault["loc"]))
        return f"{source}: {key}: is not a known setting; known are: {known}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"{source}: {key}: {message}"


def _known_keys(location: tuple[Any, ...]) -> list[str]:
    fields = Settings.model_fields
    if len(location) > 1 and location[0] in fields:
        section = cast(Any, fields[location[0]].annotation)
        return sorted(section.model_fields)
    return sorted(name for name in fields if name != "source")
