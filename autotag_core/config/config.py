"""Every setting of the nightly job: default, unit and, where the published rule leaves a choice, the reason."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from autotag_core.config.catalog import CatalogConfig
from autotag_core.config.experts import ExpertName, ImagenetConfig, SemanticConfig, TemporalConfig, TextConfig
from autotag_core.config.faces import FacesConfig
from autotag_core.config.frames import FramesConfig
from autotag_core.config.labels import LabelsConfig
from autotag_core.config.neighbors import DuplicatesConfig, NeighborsConfig, RelatedConfig
from autotag_core.config.reports import ReportsConfig
from autotag_core.config.run import GatesConfig, SparkConfig, WarehouseConfig
from autotag_core.config.search import ElasticsearchConfig
from autotag_core.config.section import Section, Seed
from autotag_core.config.tagger import TaggerConfig
from autotag_core.config.training import TrainingConfig
from autotag_core.config.votes import VoteConfig


class Config(Section):
    """All settings of `autotag nightly`."""

    experts: Annotated[tuple[ExpertName, ...], Field(min_length=1)] = ("imagenet", "temporal", "semantic", "text")
    """Whose neighbors vote, each once."""
    seed: Seed = 7
    """Of everything that is drawn at random in the job."""
    reuse: Literal["unchanged", "nothing"] = "unchanged"
    """`unchanged`: what the last release says of a GIF is kept where nothing that it depends on has changed.
    `nothing`: all is made anew, by the models that are saved."""
    catalog: CatalogConfig = CatalogConfig()
    frames: FramesConfig = FramesConfig()
    imagenet: ImagenetConfig = ImagenetConfig()
    temporal: TemporalConfig = TemporalConfig()
    semantic: SemanticConfig = SemanticConfig()
    text: TextConfig = TextConfig()
    neighbors: NeighborsConfig = NeighborsConfig()
    duplicates: DuplicatesConfig = DuplicatesConfig()
    related: RelatedConfig = RelatedConfig()
    vote: VoteConfig = VoteConfig()
    labels: LabelsConfig = LabelsConfig()
    elasticsearch: ElasticsearchConfig = ElasticsearchConfig()
    training: TrainingConfig = TrainingConfig()
    tagger: TaggerConfig = TaggerConfig()
    faces: FacesConfig = FacesConfig()
    reports: ReportsConfig = ReportsConfig()
    gates: GatesConfig = GatesConfig()
    warehouse: WarehouseConfig = WarehouseConfig()
    spark: SparkConfig = SparkConfig()

    @field_validator("experts")
    @classmethod
    def _each_expert_once(cls, experts: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(experts)) < len(experts):
            raise ValueError("each expert must be named once")
        return experts

    @model_validator(mode="after")
    def _settings_fit_each_other(self) -> Config:
        ordered = [
            ("frames.min_frames", self.frames.min_frames, "frames.max_frames", self.frames.max_frames),
            (
                "frames.min_duration_ms",
                self.frames.min_duration_ms,
                "frames.max_duration_ms",
                self.frames.max_duration_ms,
            ),
            (
                "training.min_duration_ms",
                self.training.min_duration_ms,
                "training.max_duration_ms",
                self.training.max_duration_ms,
            ),
            ("vote.neighbors", self.vote.neighbors, "neighbors.k", self.neighbors.k),
        ]
        problems = [
            f"{less}={low} is more than {more}={high}: lower the one or raise the other"
            for less, low, more, high in ordered
            if high is not None and low > high
        ]
        if self.neighbors.backend != "exact" and self.neighbors.efSearch <= self.neighbors.k:
            problems.append(
                f"neighbors.efSearch={self.neighbors.efSearch} is not more than neighbors.k={self.neighbors.k}: HNSW "
                "would find fewer than k besides the GIF itself; raise the one or lower the other"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self
