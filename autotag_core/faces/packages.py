"""Packages that only people's faces need: the extra `faces`."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from autotag_core.errors import InputError


def need(module: str) -> Any:
    """The module. InputError says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise not_installed(error.name or module) from None


def not_installed(package: str) -> InputError:
    """The error where a package is not there."""
    return InputError(
        f"faces: {package} is not installed: pip install 'autotag[faces]', then pip install --no-deps "
        "facenet-pytorch==2.6.0"
    )
