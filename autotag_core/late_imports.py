"""Names of a package whose modules are loaded when somebody asks for them: what they need takes seconds to load."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def late_names(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """The package's `__getattr__`; `names` has the names by the module of the package that they come from."""
    modules = {name: module for module, its in names.items() for name in its}

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return get
