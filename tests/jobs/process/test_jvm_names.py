"""What Python remembers of the JVM: classes and static methods, and no values."""

from __future__ import annotations

from pyspark.sql import SparkSession


def test_a_class_and_its_method_are_asked_for_once(spark: SparkSession) -> None:
    found = [getattr(spark._jvm, "java.util.UUID") for _ in range(2)]

    assert found[0] is found[1]
    assert found[0].randomUUID is found[0].randomUUID
    assert str(found[0].randomUUID()) != str(found[0].randomUUID())


def test_a_class_is_found_by_the_name_that_spark_imports(spark: SparkSession) -> None:
    assert spark._jvm is not None
    assert spark._jvm.PythonUtils is spark._jvm.PythonUtils


def test_a_static_field_is_not_remembered(spark: SparkSession) -> None:
    integer = getattr(spark._jvm, "java.lang.Integer")

    assert integer.MAX_VALUE == 2**31 - 1
    assert "MAX_VALUE" not in vars(integer)
