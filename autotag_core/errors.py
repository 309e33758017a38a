"""Errors that a person can act on, each with the exit code the command ends with."""


class AutotagError(Exception):
    """Anything the job explains in one line. Exit code 1."""

    exit_code = 1


class InputError(AutotagError):
    """Wrong input or config: the message names the item, its value and what would be right. Exit code 2."""

    exit_code = 2


class NotPublishedError(AutotagError):
    """The run worked but its result did not pass a gate, so readers stay on the last release. Exit code 3."""

    exit_code = 3


class NotTrainedError(AutotagError):
    """There is too little to learn from: the message says what was found and what is needed."""
