"""Every setting of the nightly job, a file a section; `file` reads them from YAML and the command line."""

from autotag_core.config.catalog import CatalogConfig
from autotag_core.config.config import Config
from autotag_core.config.experts import ExpertName, ImagenetConfig, SemanticConfig, TemporalConfig, TextConfig
from autotag_core.config.faces import FacesConfig
from autotag_core.config.frames import FramesConfig
from autotag_core.config.labels import LabelsConfig
from autotag_core.config.neighbors import DuplicatesConfig, NeighborsConfig, RelatedConfig
from autotag_core.config.reports import ReportsConfig
from autotag_core.config.run import GatesConfig, SparkConfig, WarehouseConfig
from autotag_core.config.search import ElasticsearchConfig
from autotag_core.config.section import Colour, Count, PositiveCount, Seconds, Section, Seed, Share
from autotag_core.config.training import TrainingConfig
from autotag_core.config.votes import VoteConfig

__all__ = [
    "CatalogConfig",
    "Colour",
    "Config",
    "Count",
    "DuplicatesConfig",
    "ElasticsearchConfig",
    "ExpertName",
    "FacesConfig",
    "FramesConfig",
    "GatesConfig",
    "ImagenetConfig",
    "LabelsConfig",
    "NeighborsConfig",
    "PositiveCount",
    "RelatedConfig",
    "ReportsConfig",
    "Seconds",
    "Section",
    "Seed",
    "SemanticConfig",
    "Share",
    "SparkConfig",
    "TemporalConfig",
    "TextConfig",
    "TrainingConfig",
    "VoteConfig",
    "WarehouseConfig",
]
