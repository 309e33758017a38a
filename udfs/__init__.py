"""The executor side: thin DataFrame -> DataFrame adapters, each around one core function."""

from udfs.tasks.frozen_modules import freeze_modules

freeze_modules()
