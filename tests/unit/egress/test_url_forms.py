"""Which URLs may be requested, by their form alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.egress import EgressPolicy, EgressRefused, parse, sniff

POLICY = EgressPolicy()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "http or https"),
        ("plate.jpg?X-Amz-Signature=5", r"must start with http:// or https://, not 'plate\.jpg'$"),
        ("//example.com/a.jpg", r"must start with http:// or https://, not '//example\.com/a\.jpg'$"),
        ("ftp://example.com/a.jpg", "must start with http:// or https://, not ftp:$"),
        ("file:///etc/passwd", "must start with http"),
        ("gopher://example.com/", "must start with http"),
        ("data:image/png;base64,AAAA", "must start with http"),
        ("http:///a.jpg", "must name a host"),
        ("http://user@example.com/", "user name or password"),
        ("http://user:pass@example.com/", "user name or password"),
        ("http://@example.com/", "user name or password"),
        ("http://example.com\\@127.0.0.1/", "backslashes"),
        ("http://exa mple.com/", "spaces"),
        ("http://example.com/\r\nHost: x", "control"),
        ("http://example.com:22/", "port"),
        ("http://example.com:8080/", "port"),
        ("http://example.com:99999/", "well-formed"),
        ("http://example.com:0/", "port"),
        ("http://[::1/", "well-formed"),
        ("http://[fe80::1%25eth0]/", "host"),
        ("http://127.0.0.1/", "not lead to a public address"),
        ("http://[::1]/", "not lead to a public address"),
        ("http://[::ffff:127.0.0.1]/", "not lead to a public address"),
        ("http://[::ffff:7f00:1]/", "not lead to a public address"),
        ("http://2130706433/", "neither a name"),
        ("http://0x7f000001/", "neither a name"),
        ("http://0177.0.0.1/", "neither a name"),
        ("http://127.1/", "neither a name"),
        ("http://127.0.0.1./", "neither a name"),
        ("http://\uff11\uff12\uff17.0.0.1/", "not lead to a public address"),
        ("http://127\u30020\u30020\u30021/", "not lead to a public address"),
        ("http://169.254.169.254/latest/meta-data/", "not lead to a public address"),
        ("http://exam!ple.com/", "not a valid name"),
        ("http://" + "a" * 5000 + ".com/", "at most 4096"),
    ],
)
def test_a_bad_url_is_refused_with_its_reason(url: str, says: str) -> None:
    """Each form that could reach what it should not is refused before anything is resolved."""
    with pytest.raises(EgressRefused, match=says):
        parse(url, POLICY)


def test_a_good_url_is_taken_apart() -> None:
    """Scheme, host and port come out as they are connected to; the path is escaped where it must be."""
    target = parse("HTTPS://Example.COM/b\u00fcro/plate 1.jpg".replace(" ", "%20") + "?w=1&h=%C3%BC", POLICY)
    assert (target.scheme, target.host, target.port) == ("https", "example.com", 443)
    assert target.url == "https://example.com/b%C3%BCro/plate%201.jpg?w=1&h=%C3%BC"


def test_an_international_name_becomes_ascii() -> None:
    """What is resolved is the name's ASCII form."""
    assert parse("http://b\u00fccher.example/", POLICY).host == "xn--bcher-kva.example"


def test_further_ports_are_a_matter_of_policy() -> None:
    """A port that the operator allows is allowed."""
    assert parse("http://example.com:8080/", EgressPolicy(ports=frozenset({8080}))).port == 8080


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Nothing that a client can write raises anything but a refusal."""
    try:
        target = parse(f"http://{text}", POLICY)
    except EgressRefused:
        return
    assert target.url.isascii()
    assert target.port in (80, 443)


def test_pictures_are_known_by_their_first_bytes() -> None:
    """Names and headers do not count."""
    assert sniff(b"\xff\xd8\xff\xe0") == "image/jpeg"
    assert sniff(b"\x89PNG\r\n\x1a\n") == "image/png"
    assert sniff(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "image/webp"
    assert sniff(b"<svg xmlns='http://www.w3.org/2000/svg'/>") is None
    assert sniff(b"GIF89a") is None
