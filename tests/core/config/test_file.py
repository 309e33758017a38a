"""What `autotag settings` prints is a config file: it reads back as the defaults and explains every key."""

from pathlib import Path

from autotag_core.config import Config
from autotag_core.config.file import known_keys, load_config, settings_as_yaml


def test_the_printed_settings_read_back_as_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings_as_yaml())
    assert load_config(file) == Config()


def test_every_key_is_printed_under_its_explanation() -> None:
    lines = settings_as_yaml().splitlines()
    for key in known_keys():
        name = key.rpartition(".")[2]
        places = [number for number, line in enumerate(lines) if line.strip().startswith(f"{name}: ")]
        assert places and all(lines[place - 1].strip().startswith("#") for place in places), key
