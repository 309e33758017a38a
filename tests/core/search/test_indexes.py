import pytest

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError
from autotag_core.search import check_count, index_name
from autotag_core.search.indexes import check_name


def test_an_index_is_named_after_its_alias_and_its_run():
    assert index_name("gifs", "20261122T134500Z-AB12") == "gifs-20261122t134500z-ab12"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Gifs", "lower case"),
        ("", "empty"),
        ("_gifs", "begin with"),
        ("-gifs", "begin with"),
        ("..", "begin with"),
        ("my gifs", "space"),
        ("gifs*", "space or any of"),
        ("gifs,other", "space or any of"),
        ("a/b", "space or any of"),
        ("a:b", "space or any of"),
        ("g" * 256, "256 bytes, at most 255"),
        ("é" * 128, "256 bytes, at most 255"),
    ],
)
def test_a_name_that_elasticsearch_would_refuse_is_an_input_error(name, says):
    with pytest.raises(InputError, match=says):
        check_name(name)


def test_the_run_id_counts_towards_the_length_of_the_name():
    with pytest.raises(InputError, match="at most 255"):
        index_name("g" * 250, "20261122")


def test_an_index_with_every_document_passes():
    check_count(100, 100, 0, ElasticsearchConfig())
    check_count(99, 100, 1, ElasticsearchConfig(max_refused_share=0.01))
    check_count(0, 0, 0, ElasticsearchConfig())


def test_a_document_too_few_or_too_many_is_not_published():
    for found, says in ((9_998, "holds 9,998 documents where 9,999 belong"), (10_000, "holds 10,000")):
        with pytest.raises(NotPublishedError, match=says):
            check_count(found, 10_000, 1, ElasticsearchConfig())


def test_too_many_refused_documents_are_not_published_though_the_count_is_right():
    with pytest.raises(NotPublishedError, match=r"refused 2 of 100 documents, more than .*max_refused_share=0.01"):
        check_count(98, 100, 2, ElasticsearchConfig(max_refused_share=0.01))
