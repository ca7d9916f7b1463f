"""Settings: each documented, each read once, each refusal naming the variable."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from coop.settings import SettingInvalid, SettingMissing, Settings

ROOT = Path(__file__).parents[2]


def test_every_setting_has_a_default_and_a_documented_line() -> None:
    documented = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    for each in fields(Settings):
        assert each.metadata["what"]
        assert f"| `MOYAI_{each.name.upper()}` |" in documented, each.name
        assert each.metadata["what"] in documented, each.name


def test_the_environment_is_read_by_type() -> None:
    read = Settings.from_environment(
        {"MOYAI_HTTP_PORT": "8080", "MOYAI_HTTPS": "true", "MOYAI_DATA_FOLDER": "x", "PATH": "y"}
    )
    assert (read.http_port, read.https, read.data_folder) == (8080, True, Path("x"))


@pytest.mark.parametrize(("name", "value"), [("MOYAI_HTTP_PORT", "http"), ("MOYAI_HTTPS", "perhaps")])
def test_what_cannot_be_read_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingInvalid) as refused:
        Settings.from_environment({name: value})
    assert refused.value.params["name"] == name


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingMissing) as refused:
        Settings().require("database_url")
    assert refused.value.params["name"] == "MOYAI_DATABASE_URL"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().http_port = 1  # type: ignore[misc]  # that is the point
