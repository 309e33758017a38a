import pickle

import pytest

from autotag_core.errors import InputError
from autotag_core.search import ElasticsearchCredentials, read_credentials


def test_nothing_in_the_environment_is_no_credentials():
    assert read_credentials({"PATH": "/bin"}) == ElasticsearchCredentials()


def test_an_api_key_or_a_username_with_a_password():
    assert read_credentials({"ELASTICSEARCH_API_KEY": "a2V5\n"}) == ElasticsearchCredentials(api_key="a2V5")
    environment = {"ELASTICSEARCH_USERNAME": "nightly", "ELASTICSEARCH_PASSWORD": "p ä#"}
    assert read_credentials(environment) == ElasticsearchCredentials(username="nightly", password="p ä#")


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"ELASTICSEARCH_USERNAME": "nightly"}, "ELASTICSEARCH_USERNAME is set but ELASTICSEARCH_PASSWORD is not"),
        ({"ELASTICSEARCH_PASSWORD": "hunter2"}, "ELASTICSEARCH_PASSWORD is set but ELASTICSEARCH_USERNAME is not"),
        ({"ELASTICSEARCH_API_KEY": "hunter2", "ELASTICSEARCH_PASSWORD": "hunter2"}, "both set: unset one"),
        ({"ELASTICSEARCH_API_KEY": "hunter2\nX-Other: 1"}, "unprintable character"),
        ({"ELASTICSEARCH_CA_CERTS": "/no/such/bundle.pem"}, "/no/such/bundle.pem: No such file"),
    ],
)
def test_what_cannot_work_is_said_before_any_request_and_without_the_secret(environment, says):
    with pytest.raises(InputError) as error:
        read_credentials(environment)
    assert says in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_bundle_without_a_certificate_is_an_input_error(tmp_path):
    for text in ("", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        bundle = tmp_path / "bundle.pem"
        bundle.write_text(text)
        with pytest.raises(InputError, match=f"ELASTICSEARCH_CA_CERTS is {bundle}: it"):
            read_credentials({"ELASTICSEARCH_CA_CERTS": str(bundle)})


def test_they_reach_an_executor_but_no_printout():
    credentials = ElasticsearchCredentials("key-hunter2", "nightly-hunter2", "hunter2", "pem-hunter2")
    assert pickle.loads(pickle.dumps(credentials)) == credentials
    assert "hunter2" not in repr(credentials)
    assert "hunter2" not in f"{[credentials]}"
