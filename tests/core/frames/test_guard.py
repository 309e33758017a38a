"""A file that kills or holds up whoever reads it is found by a process of its own, and known again by its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason
from autotag_core.frames import iter_loaded
from autotag_core.frames.guard import Guard, poison_of


def version(uri: str) -> str:
    return hashlib.sha256(Path(uri).read_bytes()).hexdigest()[:32]


def test_what_kills_or_hangs_is_said_and_everything_else_passes(sick_files: dict[str, str]) -> None:
    config = FramesConfig().model_copy(update={"item_deadline_s": 20})
    with Guard(config) as guard:
        found = {name: guard.check(uri) for name, uri in sick_files.items() if name != "HANG"}
        absent = guard.check("/no/such/file.gif")
    with Guard(config.model_copy(update={"item_deadline_s": 2})) as guard:
        found["HANG"] = guard.check(sick_files["HANG"])
    assert [found[""], found["RAISE"], absent] == [None] * 3
    said = {name: (error.reason, error.message) for name, error in found.items() if error is not None}
    assert said == {
        "KILL": (Reason.KILLED_WORKER, f"whoever reads it dies: SIGABRT (version {version(sick_files['KILL'])})"),
        "EXIT": (Reason.KILLED_WORKER, f"whoever reads it dies: exit code 3 (version {version(sick_files['EXIT'])})"),
        "HANG": (Reason.TIMED_OUT, f"not read within 2 s (version {version(sick_files['HANG'])})"),
    }


def test_poison_is_not_read_again_until_its_bytes_change(sick_files: dict[str, str]) -> None:
    message = f"whoever reads it dies: SIGABRT (version {version(sick_files['KILL'])})"
    poison = poison_of(
        [("killed_worker", message), ("undecodable", f"(version {'0' * 32})"), ("timed_out", "no bytes")]
    )
    assert poison == {version(sick_files["KILL"]): ("killed_worker", message)}
    ((_, error), (_, sound)) = iter_loaded(
        [("a", sick_files["KILL"]), ("b", sick_files[""])], FramesConfig(), poison=poison
    )
    assert isinstance(error, ItemError) and (error.reason, error.message) == (Reason.KILLED_WORKER, message)
    assert not isinstance(sound, ItemError)
