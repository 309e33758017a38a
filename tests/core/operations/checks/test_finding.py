"""A check that fails is a finding, and a finding is one line without a secret."""

from __future__ import annotations

from collections.abc import Iterator

from autotag_core.errors import InputError
from autotag_core.operations.checks.finding import Finding, examine


def broken(error: Exception) -> Iterator[Finding]:
    yield Finding("store", "ok", "it was written")
    raise error


def test_what_a_check_found_before_it_failed_is_kept() -> None:
    found = examine("store", lambda: broken(InputError("s3a://b/w: access denied")))
    assert found == [Finding("store", "ok", "it was written"), Finding("store", "error", "s3a://b/w: access denied")]


def test_an_error_that_nobody_foresaw_is_one_line_without_credentials() -> None:
    [_, finding] = examine("store", lambda: broken(RuntimeError("http://me:secret@host\nis down")))
    assert finding.line == "error    store         RuntimeError: http://host"


def test_a_finding_says_what_to_do_at_its_end() -> None:
    assert Finding("disk", "warning", "/tmp: 1 GiB free", "make room").line == (
        "warning  disk          /tmp: 1 GiB free: make room"
    )
