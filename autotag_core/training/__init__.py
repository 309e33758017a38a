"""The voted dataset on its way to a model: a release's examples as batches for torch.

The night counts what becomes an example and loads no torch. So these names load their modules when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotag_core.training.augmentation import Augmentation
    from autotag_core.training.examples import Examples, open_examples
    from autotag_core.training.settings import LoaderSettings

__all__ = ["Augmentation", "Examples", "LoaderSettings", "open_examples"]
_MODULES = {
    "Augmentation": "augmentation",
    "Examples": "examples",
    "LoaderSettings": "settings",
    "open_examples": "examples",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
