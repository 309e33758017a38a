"""The names of Java's classes and static methods, which Python asks the JVM for once."""

from __future__ import annotations

from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JVMView


def remember_names() -> None:
    """From now on py4j keeps each class and static method that it has found.

    Else it asks at every use, and the JVM looks through 300 jars for a class that pyspark names without its package.
    That was a third of what it costs to write a query. Values of static fields are asked for each time.
    """
    _remember(JVMView, JavaClass)
    _remember(JavaClass, JavaMember)


def _remember(asked: type[Any], answer: type[Any]) -> None:
    find = asked.__getattr__
    if find.__module__ == __name__:
        return

    def found_once(self: Any, name: str) -> Any:
        found = find(self, name)
        if isinstance(found, answer):
            vars(self)[name] = found
        return found

    asked.__getattr__ = found_once
