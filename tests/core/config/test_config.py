"""Settings: every default holds, every mistake is named, and one message names them all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from autotag_core.config import Config, Section, VoteConfig
from autotag_core.config.file import known_keys, load_config, recorded_config
from autotag_core.errors import InputError


def refusal(*settings: str, path: Path | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load_config(path, list(settings))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def yaml_file(folder: Path, text: str) -> Path:
    path = folder / "autotag.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def sections() -> list[type[BaseModel]]:
    return [Config, *(kind for kind in Section.__subclasses__() if kind is not Config)]


def test_nothing_given_means_the_published_rule_and_its_numbers() -> None:
    config = load_config()
    assert config == Config()
    assert (config.vote.neighbors, config.vote.unconfirmed_confidence) == (10, 0.7)
    assert (config.frames.max_bytes, config.frames.max_pixels, config.frames.max_frames) == (
        20971520,
        400_000_000,
        5000,
    )


def test_every_default_would_be_accepted_if_a_user_wrote_it() -> None:
    assert Config.model_validate(Config().model_dump(mode="json")) == Config()


@pytest.mark.parametrize("section", sections())
def test_every_setting_says_what_it_is(section: type[BaseModel]) -> None:
    groups = {name for name, field in section.model_fields.items() if isinstance(field.default, BaseModel)}
    unexplained = [name for name, field in section.model_fields.items() if not field.description]
    assert set(unexplained) == groups, "a group is explained by its own docstring, a setting by the text below it"


def test_no_setting_can_hold_a_credential() -> None:
    words = ("password", "secret", "token", "api_key", "access_key", "credential", "user")
    assert [key for key in known_keys() if any(word in key for word in words)] == []


def test_a_file_sets_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    path = yaml_file(tmp_path, "experts: [imagenet]\nneighbors:\n  k: 15\n  backend: exact\n")
    config = load_config(path)
    assert (config.experts, config.neighbors.k, config.neighbors.backend) == (("imagenet",), 15, "exact")
    assert config.neighbors.M == Config().neighbors.M


def test_a_setting_of_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    assert load_config(yaml_file(tmp_path, "neighbors: {k: 15, M: 8}\n"), ["neighbors.k=17"]).neighbors.k == 17


def test_a_section_whose_keys_are_all_commented_out_is_an_empty_section(tmp_path: Path) -> None:
    path = yaml_file(tmp_path, "vote:\n#  lower_bound: 2\nneighbors:\n")
    assert load_config(path) == Config()
    assert load_config(path, ["vote.lower_bound=2"]).vote.lower_bound == 2


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_config(yaml_file(tmp_path, "# nothing yet\n")) == Config()


@pytest.mark.parametrize(
    ("setting", "section", "key", "value"),
    [
        ("neighbors.k=13", "neighbors", "k", 13),
        ("vote.lower_bound=0.25", "vote", "lower_bound", 0.25),
        ("duplicates.max_distance=1e-4", "duplicates", "max_distance", 1e-4),
        ("frames.max_duration_ms=null", "frames", "max_duration_ms", None),
        ("frames.max_duration_ms=", "frames", "max_duration_ms", None),
        ("frames.background=[0, 0, 0]", "frames", "background", (0, 0, 0)),
        ("catalog.test_list=s3a://gifs/reviewed list.txt", "catalog", "test_list", "s3a://gifs/reviewed list.txt"),
        ("catalog.test_list='2026'", "catalog", "test_list", "2026"),
        ("catalog.csv_tag_separator=|", "catalog", "csv_tag_separator", "|"),
        ("catalog.csv_tag_separator=>", "catalog", "csv_tag_separator", ">"),
        ("catalog.csv_tag_separator=#", "catalog", "csv_tag_separator", "#"),
        ("catalog.csv_tag_separator=,", "catalog", "csv_tag_separator", ","),
        ("catalog.csv_tag_separator=' '", "catalog", "csv_tag_separator", " "),
        (" neighbors.k =14", "neighbors", "k", 14),
    ],
)
def test_set_takes_numbers_lists_null_and_text(setting: str, section: str, key: str, value: object) -> None:
    assert getattr(getattr(load_config(None, [setting]), section), key) == value


def test_set_takes_a_list_of_experts_and_a_whole_section() -> None:
    config = load_config(None, ["experts=[semantic]", "neighbors={k: 13, M: 4}", "neighbors.M=5"])
    assert (config.experts, config.neighbors.k, config.neighbors.M) == (("semantic",), 13, 5)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("neighbors.K=10", "neighbors.k"),
        ("nieghbors.efSearch=10", "neighbors.efSearch"),
        ("neighbors.ef_search=10", "neighbors.efSearch"),
        ("vote.lowerbound=1", "vote.lower_bound"),
        ("k=3", "related.k"),
        ("expert=[imagenet]", "experts"),
        ("votes={normalise: max}", "vote.normalise"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_right_one(wrong: str, right: str) -> None:
    assert refusal(wrong).endswith(f"the nearest is {right}")


def test_one_message_names_every_mistake(tmp_path: Path) -> None:
    path = yaml_file(tmp_path, "neighbours:\n  k: 3\nvote:\n  lower_bound: low\n")
    message = refusal("neighbors.k=0", "gates.max_failed_share=1.5", path=path)
    for part in (
        "unknown key neighbours.k; the nearest is neighbors.k",
        "vote.lower_bound is 'low'",
        "neighbors.k is 0",
        "gates.max_failed_share is 1.5",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ("vote.lower_bound=.nan", "vote.lower_bound is nan"),
        ("vote.lower_bound=.inf", "vote.lower_bound is inf"),
        ("vote=3", "vote is 3: it must be a section"),
        ("frames.background=[1, 2, 999]", "frames.background.2 is 999"),
        ("frames.background=[1, 2]", "it must have one more item"),
        ("experts=imagenet", "it must be a list"),
        ("experts=[]", "experts is []"),
        ("experts=[imagenet, imagenet]", "each expert must be named once"),
        ("experts=[imagenet, faces]", "experts.1 is 'faces'"),
        ("catalog.csv_tag_separator=''", "catalog.csv_tag_separator is ''"),
        ("imagenet.device=CUDA", "'auto', 'cpu' or 'cuda'"),
        ("text.read=some", "text.read is 'some': Input should be 'likely' or 'all'"),
        ("text.read=true", "text.read is True: Input should be 'likely' or 'all'"),
        ("text.first_look_side=160", "unknown key text.first_look_side"),
        ("seed=-1", "seed is -1"),
        ("seed=4294967296", "seed is 4294967296"),
        ("warehouse.keep_releases=0", "warehouse.keep_releases is 0"),
        ("neighbors.k.depth=3", "neighbors.k is {'depth': 3}"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_with_its_key(setting: str, seen: str) -> None:
    assert seen in refusal(setting)


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        (("neighbors.k=9",), "vote.neighbors=10 is more than neighbors.k=9"),
        (("neighbors.efSearch=40",), "neighbors.efSearch=40 is not more than neighbors.k=40"),
        (("frames.min_frames=5", "frames.max_frames=4"), "frames.min_frames=5 is more than frames.max_frames=4"),
        (
            ("frames.min_duration_ms=2", "frames.max_duration_ms=1"),
            "frames.min_duration_ms=2 is more than frames.max_duration_ms=1",
        ),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused_with_both_keys(settings: tuple[str, ...], seen: str) -> None:
    message = refusal(*settings)
    assert message.startswith(f"config: {seen}")
    assert "{" not in message, "the whole config is no help"


def test_settings_that_just_fit_are_taken() -> None:
    settings = ["neighbors.k=10", "neighbors.efSearch=11", "frames.min_frames=4", "frames.max_frames=4"]
    assert load_config(None, settings).neighbors.efSearch == 11
    assert load_config(None, ["neighbors.k=200", "neighbors.backend=exact"]).neighbors.k == 200


def test_one_message_names_everything_that_does_not_fit() -> None:
    message = refusal("neighbors.k=5", "frames.min_frames=9000")
    assert "vote.neighbors=10" in message and "frames.min_frames=9000" in message


@pytest.mark.parametrize("setting", ["neighbors.k", "=3", "neighbors: {k: 3}"])
def test_a_setting_without_key_or_value_says_how_to_write_one(setting: str) -> None:
    assert "write KEY=VALUE" in refusal(setting)


def test_a_setting_below_something_that_is_no_section_is_refused() -> None:
    assert "seed is not a section" in refusal("seed=3", "seed.low=4")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a: [", "is not YAML"),
        ("\t- x", "is not YAML"),
        ("neighbors: !!python/object/apply:os.system [ls]", "is not YAML"),
        ("[1, 2]", "holds a list"),
        ("just text", "holds a str"),
        ("1: 2", "unknown key 1;"),
        ("neighbors: {1: 2}", "unknown key neighbors.1;"),
    ],
)
def test_a_file_that_is_no_config_is_refused_in_one_line(tmp_path: Path, text: str, seen: str) -> None:
    assert seen in refusal(path=yaml_file(tmp_path, text))


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    assert "binary.yaml is not YAML" in refusal(path=tmp_path / "binary.yaml")
    assert "No such file" in refusal(path=tmp_path / "absent.yaml")
    assert "Is a directory" in refusal(path=tmp_path)


def test_the_value_of_an_unknown_key_is_not_repeated() -> None:
    assert "hunter2" not in refusal("elasticsearch.password=hunter2")


def test_of_what_a_run_recorded_settings_that_have_gone_since_are_left_out() -> None:
    recorded = Config(seed=11, vote=VoteConfig(neighbors=7)).model_dump(mode="json")
    recorded["semantic"]["num_partitions"] = 1
    recorded |= {"gone": 3, "gone_too": {"a": 1}}
    assert recorded_config(json.dumps(recorded)) == Config(seed=11, vote=VoteConfig(neighbors=7))
    recorded["vote"]["rule"] = "some old rule"
    with pytest.raises(InputError, match=r"config of an earlier run: .*vote\.rule"):
        recorded_config(json.dumps(recorded))
