"""The voted dataset on its way to a model: a release's examples as batches for torch."""

from autotag_core.training.augmentation import Augmentation
from autotag_core.training.examples import Examples, open_examples
from autotag_core.training.settings import LoaderSettings

__all__ = ["Augmentation", "Examples", "LoaderSettings", "open_examples"]
