import base64
import shutil
import ssl
import subprocess

import pytest

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError, OutageError
from autotag_core.search import (
    ElasticsearchCredentials,
    Owner,
    check_alias,
    current_indexes,
    elasticsearch_client,
    prune_indexes,
    read_credentials,
    search_gifs,
)
from autotag_core.search.client import reason_text

JSON = {"content-type": "application/json"}
ELASTIC = {**JSON, "x-elastic-product": "Elasticsearch"}
GIFS = Owner("gifs", "s3a://bucket/warehouse")
CREDENTIALS = ElasticsearchCredentials(username="nightly", password="hunter2")


def the_line(call, kind=InputError):
    with pytest.raises(kind) as error:
        call()
    line = str(error.value)
    assert "\n" not in line
    assert "hunter2" not in line
    assert "nightly" not in line
    return line


def check(url, config, credentials=CREDENTIALS):
    with elasticsearch_client(url, config, credentials) as client:
        check_alias(client, GIFS, config)


@pytest.mark.parametrize(
    "url",
    [
        "http://nightly:hunter2@localhost:9200",
        "http://nightly:hunter2#x@localhost:9200",
        "http://nightly:h/hunter2@es:1",
    ],
)
def test_a_url_with_a_password_is_refused_and_not_repeated(url):
    line = the_line(lambda: elasticsearch_client(url, ElasticsearchConfig()))
    assert "set ELASTICSEARCH_API_KEY, or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, in the environment" in line


def test_a_url_with_a_query_is_refused_and_not_repeated():
    the_line(lambda: elasticsearch_client("http://localhost:9200/?api_key=hunter2", ElasticsearchConfig()))


@pytest.mark.parametrize(
    "url", ["localhost:9200", "http://localhost", "ftp://localhost:21", "http://:9200", "http://es:x"]
)
def test_an_incomplete_url_is_shown_with_a_right_one(url):
    line = the_line(lambda: elasticsearch_client(url, ElasticsearchConfig()))
    assert line == f"Elasticsearch URL {url!r}: write http(s)://host:port, for example http://localhost:9200"


def test_a_closed_port_and_an_unknown_host(config):
    assert "not reachable: check scheme, host and port" in the_line(lambda: check("http://127.0.0.1:1", config))
    assert "http://es.invalid:9200" in the_line(lambda: check("http://es.invalid:9200", config))


def test_401_says_which_variables_to_set(config, answering):
    body = (
        b'{"error": {"type": "security_exception", "reason": "unable to authenticate user [nightly]"}, "status": 401}'
    )
    url, _ = answering(401, ELASTIC, body)
    assert the_line(lambda: check(url, config)) == (
        f"Elasticsearch at {url}: it wants other credentials (401): set ELASTICSEARCH_API_KEY, "
        "or ELASTICSEARCH_USERNAME and ELASTICSEARCH_PASSWORD, in the environment"
    )


@pytest.mark.parametrize(("request_of", "of"), [(check_alias, GIFS), (current_indexes, "gifs"), (prune_indexes, GIFS)])
def test_403_says_which_privilege_is_missing_and_not_who_lacks_it(config, answering, request_of, of):
    reason = (
        "action [indices:admin/resolve/index] is unauthorized for user [nightly] with effective roles [x], "
        "this action is granted by the index privileges [view_index_metadata,manage,read,all]"
    )
    url, _ = answering(403, ELASTIC, f'{{"error": {{"type": "security_exception", "reason": "{reason}"}}}}'.encode())
    client = elasticsearch_client(url, config, CREDENTIALS)
    assert the_line(lambda: request_of(client, of, config)).endswith(
        "may not do this (403): what they need is granted by the index privileges [view_index_metadata,manage,read,all]"
    )


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"content-type": "text/html"}, b"<html>hello</html>"),
        (200, {"content-type": "application/xml"}, b"<hello/>"),
        (200, JSON, b"{}"),
        (404, {"content-type": "text/html"}, b"<html>no such page</html>"),
        (404, JSON, b"{}"),
    ],
)
def test_something_else_at_that_address_is_not_taken_for_elasticsearch(config, answering, status, headers, body):
    url, _ = answering(status, headers, body)
    line = the_line(lambda: check(url, config))
    assert line.startswith(f"Elasticsearch at {url}: what answers there is not Elasticsearch")


@pytest.mark.parametrize("kind", ["application/xml", "application/problem+xml", "text/html"])
def test_a_load_balancers_503_is_an_outage_in_whatever_form_it_comes(config, answering, kind):
    url, requests = answering(503, {"content-type": kind}, b"<Error>no healthy upstream</Error>")
    line = the_line(lambda: check(url, config), OutageError)
    assert line == f"Elasticsearch at {url}: not available (503): <Error>no healthy upstream</Error>; tries: 4"
    assert len(requests) == 4


def test_a_server_that_stays_unavailable_is_tried_as_often_as_configured(config, answering):
    url, requests = answering(503, ELASTIC, b'{"error": {"type": "cluster_block_exception", "reason": "no master"}}')
    line = the_line(lambda: check(url, config), NotPublishedError)
    assert line == f"Elasticsearch at {url}: not available (503): cluster_block_exception: no master; tries: 4"
    assert len(requests) == 4


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (ElasticsearchCredentials(api_key="bmlnaHRseTp4"), "ApiKey bmlnaHRseTp4"),
        (ElasticsearchCredentials(api_key="id:secret"), "ApiKey " + base64.b64encode(b"id:secret").decode()),
        (CREDENTIALS, "Basic " + base64.b64encode(b"nightly:hunter2").decode()),
        (ElasticsearchCredentials(), None),
    ],
)
def test_the_credentials_are_sent(config, answering, credentials, header):
    url, requests = answering(200, ELASTIC, b'{"indices": [], "aliases": [], "data_streams": []}')
    check(url, config, credentials)
    assert [request.get("authorization") for request in requests] == [header]


def test_tls_is_trusted_through_the_bundle_in_the_environment_and_only_then(config, answering, tmp_path):
    certificate, key = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    url, _ = answering(200, ELASTIC, b'{"indices": [], "aliases": [], "data_streams": []}', tls)
    line = the_line(lambda: check(url, config))
    assert "set ELASTICSEARCH_CA_CERTS to the CA bundle" in line
    assert "tries" not in line
    check(url, config, read_credentials({"ELASTICSEARCH_CA_CERTS": str(certificate)}))


def test_https_to_a_server_that_speaks_http(config, answering):
    url, _ = answering(200, ELASTIC, b"{}")
    assert "check the scheme" in the_line(lambda: check(url.replace("http:", "https:"), config))


def test_a_refused_item_says_which_privilege_is_missing_and_not_who_lacks_it():
    reason = (
        "action [indices:admin/auto_create] is unauthorized for user [nightly] with effective roles [writer] on "
        "indices [other], this action is granted by the index privileges [create_index,manage,all]"
    )
    assert reason_text({"error": {"type": "security_exception", "reason": reason}, "status": 403}) == (
        "security_exception: action [indices:admin/auto_create] is unauthorized, "
        "this action is granted by the index privileges [create_index,manage,all]"
    )


def test_a_search_without_words_asks_for_some(config):
    with elasticsearch_client("http://127.0.0.1:1", config) as client:
        assert "no words" in the_line(lambda: search_gifs(client, "gifs", "  "))


def self_signed(folder):
    """Files of a certificate for 127.0.0.1 and its key; the test is skipped without the openssl command."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl command to make a certificate with")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(["openssl", *request.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key
