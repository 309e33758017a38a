"""Settings of the catalog."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autotag_core.config.section import Section


class CatalogConfig(Section):
    """How the catalog is read and split."""

    csv_tag_separator: Annotated[str, Field(min_length=1)] = "|"
    """Between the tags of a CSV cell that is not a JSON list."""
    test_list: str | None = None
    """URI of a text file, one gif_id a line, reviewed by people: these GIFs are the test split."""
    labels: Literal["raw", "engineered"] = "raw"
    """What votes. `raw`: tags as uploaders wrote them. `engineered`: the labels of the warehouse (`autotag labels
    build`): a tag counts as the label of which it is a member, others take no part and stay on the document."""
    choices: bool = False
    """Whether what uploaders chose on the page of `autotag serve` counts: tags that they took or added are tags of
    their GIF, and tags that they refused are less likely."""
    validation_list: str | None = None
    """URI of a text file, one gif_id a line: the validation split. Without it: every GIF with editorial tags."""
