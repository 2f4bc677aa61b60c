"""Where settings come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from emr_dr.settings import Settings
from emr_dr.settings_errors import SettingsError
from emr_dr.settings_file import DEFAULT_FILE, SCHEMA_FILE, load_settings, read_settings_file, schema_text


def test_the_shipped_file_holds_the_defaults() -> None:
    assert load_settings({}) == Settings()


def test_the_shipped_file_shows_every_key_of_every_section() -> None:
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"{name}:" not in text]
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and hasattr(section, "model_fields"):
            missing += [f"{name}.{key}" for key in section.model_fields if f"# {key}:" not in text]

    assert missing == []


def test_what_the_shipped_file_shows_in_comments_can_be_used(tmp_path: Path) -> None:
    lines = DEFAULT_FILE.read_text(encoding="utf-8").splitlines()
    keys = {key for field in Settings.model_fields.values() for key in getattr(field.annotation, "model_fields", {})}
    keys |= set(Settings.model_fields)
    shown = [line.replace("# ", "", 1) if line.strip("# ").partition(":")[0] in keys else line for line in lines]
    values = yaml.safe_load("\n".join(shown))
    values["region"] = "us-east-1"  # the example names AZs
    values["permissions"]["keys"] = []  # the example is no key

    assert Settings.parse(values).permissions.read == ("s3://lake/raw/",)


def test_context_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\n", encoding="utf-8")

    assert load_settings({"settings": str(file)}).name == "mine"


def test_an_empty_file_holds_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing\n", encoding="utf-8")

    assert load_settings({"settings": str(file)}) == Settings()


def test_context_replaces_one_value() -> None:
    settings = load_settings({"set.cluster.maximum_instances": "20", "@aws-cdk/core:something": True})

    assert settings.cluster.maximum_instances == 20


def test_a_value_from_the_command_line_is_read_as_yaml() -> None:
    zones = "[us-east-1a, us-east-1b, us-east-1f]"

    settings = load_settings({"set.region": "us-east-1", "set.network.availability_zones": zones})

    assert settings.network.availability_zones == ("us-east-1a", "us-east-1b", "us-east-1f")


def test_an_error_names_the_command_line_too() -> None:
    with pytest.raises(SettingsError, match=r"emr-dr\.yaml and -c set\.name: one wrong setting"):
        load_settings({"set.name": "X"})


def test_what_another_account_holds_is_refused_where_the_account_is_known(tmp_path: Path) -> None:
    """A6: a role of an MWAA environment that could not read the connections."""
    file = tmp_path / "mine.yaml"
    role = "arn:aws:iam::111122223333:role/theirs"
    file.write_text(f"mwaa: {{mode: existing, environment_name: theirs, execution_role_arn: '{role}'}}\n", "utf-8")
    context = {"settings": str(file)}

    for account in (None, "111122223333"):
        assert load_settings(context, account=account).mwaa.execution_role_arn == role
    with pytest.raises(SettingsError, match=rf"mine\.yaml: one wrong setting\n  mwaa\.execution_role_arn: got '{role}"):
        load_settings(context, account="444455556666")


def test_a_key_below_a_value_is_refused() -> None:
    with pytest.raises(SettingsError, match="name is a value, not a section"):
        load_settings({"set.name.first": "x"})


def test_a_value_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(SettingsError, match="quote the value"):
        load_settings({"set.cluster.tags": "[a"})


@pytest.mark.parametrize(
    ("content", "message"),
    [("[", "allowed: YAML"), ("- a\n", "got 'list'"), ("\x00", "allowed: YAML")],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(SettingsError, match=message):
        read_settings_file(file)


def test_a_missing_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name one with -c settings=FILE"):
        load_settings({"settings": str(tmp_path / "nowhere.yaml")})


def test_the_schema_in_the_documents_is_current() -> None:
    current = SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()

    assert current, "docs/settings.schema.json is out of date: run python -m emr_dr.settings_file"


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(schema_text())
    objects = [schema, *schema["$defs"].values()]

    assert [key for part in objects for key, about in part["properties"].items() if not about.get("description")] == []
