"""Rows made in another way are not taken for these; settings that change no row make no other way."""

from autotag_core.config import FramesConfig
from autotag_core.frames import frames_version


def test_a_setting_that_changes_what_is_read_of_a_gif_changes_the_version_and_others_do_not():
    version = frames_version(FramesConfig())
    assert frames_version(FramesConfig(size=225)) != version
    assert frames_version(FramesConfig(fetch_threads=3, allowed_places=("s3a://more", "/data"))) == version
