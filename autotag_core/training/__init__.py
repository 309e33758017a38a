"""The voted dataset on its way to a model: a release's examples as batches for torch.

The night counts what becomes an example and loads no torch. So these names load their modules when they are asked for.
"""

from typing import TYPE_CHECKING

from autotag_core.late_imports import late_names

if TYPE_CHECKING:
    from autotag_core.training.augmentation import Augmentation
    from autotag_core.training.examples import Examples, open_examples
    from autotag_core.training.settings import LoaderSettings

__all__ = ["Augmentation", "Examples", "LoaderSettings", "open_examples"]
__getattr__ = late_names(
    __name__,
    {"augmentation": ("Augmentation",), "examples": ("Examples", "open_examples"), "settings": ("LoaderSettings",)},
)
