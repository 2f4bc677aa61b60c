"""Where settings come from: a YAML file and the context of the command line.

``cdk synth -c settings=FILE -c set.cluster.maximum_instances=20``

``python -m emr_dr.settings_file`` writes the JSON schema of the file to ``docs/settings.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from emr_dr import mwaa_settings
from emr_dr.settings import Settings
from emr_dr.settings_errors import Problem, SettingsError

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_FILE = REPOSITORY / "emr-dr.yaml"
SCHEMA_FILE = REPOSITORY / "docs" / "settings.schema.json"
FILE_KEY = "settings"
OVERRIDE_PREFIX = "set."


def load_settings(context: Mapping[str, Any], *, account: str | None = None) -> Settings:
    """The settings that the context of an app asks for.

    Args:
        context: the app's context: ``settings`` names the file (relative to the current directory; the default is
            ``emr-dr.yaml`` beside ``app.py``), ``set.KEY`` replaces one value (text is read as YAML).
        account: that is deployed to; ``None`` where nobody knows it yet, as in a synth without credentials.

    Raises:
        SettingsError: the file cannot be read, or a value is wrong.
    """
    file = Path(str(context[FILE_KEY])) if FILE_KEY in context else DEFAULT_FILE
    values = read_settings_file(file)
    sources = [str(file)]
    for name in sorted(context):
        if name.startswith(OVERRIDE_PREFIX):
            _override(values, name.removeprefix(OVERRIDE_PREFIX), context[name])
            sources.append(f"-c {name}")
    source = " and ".join(sources)
    settings = Settings.parse(values, source=source)
    if account is not None and (problems := [*mwaa_settings.account_problems(settings.mwaa, account)]):
        raise SettingsError(problems, source=source)
    return settings


def read_settings_file(file: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        SettingsError: no such file, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise _file_error(file, str(error), "a YAML file that can be read", "name one with -c settings=FILE") from error
    except yaml.YAMLError as error:
        raise _file_error(file, str(error), "YAML", "correct the line that the message names") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise _file_error(file, type(values).__name__, "a mapping of settings", "see emr-dr.yaml for the shape")
    return values


def _file_error(file: Path, got: str, allowed: str, remedy: str) -> SettingsError:
    return SettingsError([Problem(key="(the whole file)", got=got, allowed=allowed, remedy=remedy)], source=str(file))


def _override(values: dict[str, Any], key: str, text: object) -> None:
    """Put one value from the command line into the nested *values*."""
    *path, last = key.split(".")
    section = values
    for part in path:
        inner = section.setdefault(part, {})
        if inner is None:  # a section whose keys are all commented out
            inner = section[part] = {}
        if not isinstance(inner, dict):
            raise SettingsError(
                [
                    Problem(
                        key=key, got=part, allowed="a key inside a section", remedy=f"{part} is a value, not a section"
                    )
                ],
                source=f"-c {OVERRIDE_PREFIX}{key}",
            )
        section = inner
    try:
        section[last] = yaml.safe_load(text) if isinstance(text, str) else text
    except yaml.YAMLError as error:
        raise SettingsError(
            [Problem(key=key, got=text, allowed="YAML", remedy="quote the value, for example -c 'set.KEY=[a, b]'")],
            source=f"-c {OVERRIDE_PREFIX}{key}",
        ) from error


def schema_text() -> str:
    """The JSON schema of the settings file, as it stands in ``docs/settings.schema.json``."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the schema file."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    print(f"wrote {SCHEMA_FILE.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
