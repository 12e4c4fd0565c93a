"""Settings: read once, refused with a sentence."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from lensora import settings
from lensora.core.errors import ConfigurationError


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A required variable that is not set is named, with what it is."""
    monkeypatch.delenv("LENSORA_PORT", raising=False)
    with pytest.raises(ConfigurationError, match=r"LENSORA_PORT is not set \(TCP port"):
        settings.load(settings.ServiceSettings)


def test_a_bad_value_is_named_with_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value out of range is shown beside the variable's name and its limit."""
    monkeypatch.setenv("LENSORA_PORT", "70000")
    with pytest.raises(ConfigurationError, match=r"LENSORA_PORT='70000': .*65535"):
        settings.load(settings.ServiceSettings)


def test_settings_are_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes a setting after it was read."""
    monkeypatch.setenv("LENSORA_PORT", "5001")
    loaded = settings.load(settings.ServiceSettings)
    with pytest.raises(ValidationError):
        loaded.port = 1


@pytest.mark.parametrize(
    "cls",
    [settings.Settings, settings.ArtifactSettings, settings.ServiceSettings, settings.ModelSettings],
)
def test_every_field_is_documented(cls: type[settings.Settings]) -> None:
    """Each field has a docstring: it is what an operator reads when the value is wrong."""
    for name, field in cls.model_fields.items():
        assert field.description, name
