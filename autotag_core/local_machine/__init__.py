"""The real servers and programs with which one machine can run the job: Java, jars, an S3 server, Elasticsearch."""

from autotag_core.local_machine.cache import PROJECT, cache_folder
from autotag_core.local_machine.class_archive import ClassArchive, class_archive
from autotag_core.local_machine.elasticsearch_server import ElasticsearchServer
from autotag_core.local_machine.jars import fetch_all, lock_jars, needed_folders, spark_classpath
from autotag_core.local_machine.java import Java, find_java
from autotag_core.local_machine.s3_server import S3Server

__all__ = [
    "PROJECT",
    "ClassArchive",
    "ElasticsearchServer",
    "Java",
    "S3Server",
    "cache_folder",
    "class_archive",
    "fetch_all",
    "find_java",
    "lock_jars",
    "needed_folders",
    "spark_classpath",
]
