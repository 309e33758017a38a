"""The runbook has a section for everything that can happen, and none for what can't; links lead to sections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autotag_core.errors import AutotagError
from autotag_core.failures import Reason
from jobs.process.exit_codes import INTERRUPTED, TERMINATED
from jobs.release.gates import GATES

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "runbook.md").read_text(encoding="utf-8")


def sections(chapter: str) -> list[str]:
    """Titles below a chapter."""
    body = TEXT.split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    return re.findall(r"^### (.+)$", body, re.MULTILINE)


def kinds(kind: type[AutotagError]) -> list[type[AutotagError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in kinds(child))]


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_exit_code_has_its_section_and_no_other_has() -> None:
    codes = {0, INTERRUPTED, TERMINATED, *(kind.exit_code for kind in kinds(AutotagError))}
    assert sections("Exit codes") == [f"Exit code {code}" for code in sorted(codes)]


def test_every_failure_reason_has_its_section_and_no_other_has() -> None:
    assert sections("Reasons") == list(Reason)


def test_every_gate_has_its_section_and_no_other_has() -> None:
    assert sections("Gates") == [*GATES, "documents"]


def test_no_section_is_empty() -> None:
    parts = re.split(r"^#+ .+$", TEXT, flags=re.MULTILINE)[1:]
    titles = re.findall(r"^#+ .+$", TEXT, re.MULTILINE)
    empty = [title for title, part in zip(titles, parts, strict=True) if len(part.split()) < 5]
    assert empty == ["## Exit codes"]


@pytest.mark.parametrize("page", ["runbook.md", "operations/alerts.yaml", "operations/dashboard.json"])
def test_links_to_the_runbook_lead_to_a_section(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    found = set(re.findall(r"(?:\]\(|docs/runbook\.md)#([\w-]+)", text))
    assert found and found <= anchors(TEXT)


def test_settings_that_it_names_exist() -> None:
    from autotag_core.config import Config

    named = set(re.findall(r"`((?:frames|imagenet|elasticsearch|gates)\.\w+)`", TEXT))
    missing = [name for name in named if not hasattr(getattr(Config(), name.partition(".")[0]), name.partition(".")[2])]
    assert named and missing == []
