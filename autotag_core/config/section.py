"""What sections of settings are made of: numbers with limits, and a group that refuses unknown keys."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]

Count = Annotated[int, Field(ge=0)]

PositiveCount = Annotated[int, Field(ge=1)]

Seconds = Annotated[float, Field(gt=0)]

Colour = Annotated[int, Field(ge=0, le=255)]

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Section(BaseModel):
    """A group of settings; unknown keys are refused.

    What no two users would want different is a constant of the section, a ClassVar: it is read like a setting, is in no
    file of settings, and `model_copy` can change it for a test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    def values(self, *names: str) -> dict[str, Any]:
        """The settings and constants of these names."""
        return {name: getattr(self, name) for name in names}
