"""What people type after --url."""

import pytest

from inference_arena.errors import UsageError
from inference_arena.run.address import locate, parse_address


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://localhost:8000/v1/chat/completions", "http://localhost:8000/v1"),
        ("https://example.org", "https://example.org:443/v1"),
        ("http://[::1]:8000/api", "http://[::1]:8000/api"),
    ],
)
def test_the_api_is_found_behind_what_is_typed(typed, url):
    assert parse_address(typed).url == url


@pytest.mark.parametrize(
    "typed",
    ["ftp://host/v1", "http://", "http://host:99999/v1", "http://user:key@host/v1", "http://a b/v1", "http://host:x"],
)
def test_what_is_no_address_is_refused_with_an_example(typed):
    with pytest.raises(UsageError) as refused:
        parse_address(typed)
    assert refused.value.try_


@pytest.mark.parametrize(
    ("host", "where"),
    [("127.0.0.1", "same-host"), ("::1", "same-host"), ("10.1.2.3", "private-network"), ("8.8.8.8", "internet")],
)
def test_a_record_says_how_far_away_a_server_was_and_not_where(host, where):
    assert locate(host) == where
