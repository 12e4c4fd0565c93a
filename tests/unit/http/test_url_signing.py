"""Signed links to artifacts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.links import UrlSigner
from lensora.core.errors import ConfigurationError, FileNotFound

OLD, NEW = "the-old-secret-of-at-least-32-characters", "the-new-secret-of-at-least-32-characters"
BASE = "https://studio.example"


def path_of(url: str) -> tuple[str, str]:
    """``(token, rest)`` of a link."""
    token, _, rest = url.removeprefix(f"{BASE}/v1/files/").partition("/")
    return token, rest


def test_a_link_opens_until_it_expires() -> None:
    """The key, the name and the end come back before the end, and nothing after it."""
    signer = UrlSigner([NEW], BASE)
    url = signer.link("jobs/1/model-ab.glb", "model.glb", 1000)
    assert url.startswith(f"{BASE}/v1/files/3e8.")
    assert url.endswith("/jobs/1/model-ab.glb/model.glb")
    signed = signer.verify(*path_of(url), now=999.9)
    assert (signed.key, signed.name, signed.expires_at) == ("jobs/1/model-ab.glb", "model.glb", 1000)
    with pytest.raises(FileNotFound):
        signer.verify(*path_of(url), now=1000.0)


def test_links_of_an_old_secret_hold_while_secrets_overlap() -> None:
    """Rotation: the first secret signs, every secret verifies, and a secret that is gone does not."""
    old_token, old_rest = path_of(UrlSigner([OLD], BASE).link("a/b.png", "b.png", 1000))
    both = UrlSigner([NEW, OLD], BASE)
    assert both.verify(old_token, old_rest, now=1.0).key == "a/b.png"
    new_token, new_rest = path_of(both.link("a/b.png", "b.png", 1000))
    assert UrlSigner([NEW], BASE).verify(new_token, new_rest, now=1.0).key == "a/b.png"
    with pytest.raises(FileNotFound):
        UrlSigner([NEW], BASE).verify(old_token, old_rest, now=1.0)


@given(st.data())
def test_a_changed_link_does_not_open(data: st.DataObject) -> None:
    """Any changed character of the token, key or name makes the link void."""
    signer = UrlSigner([NEW], BASE)
    token, rest = path_of(signer.link("jobs/1/scene.jpg", "scene.jpg", 0x6B054030))
    whole = f"{token}/{rest}"
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != whole[place]))
    changed = whole[:place] + other + whole[place + 1 :]
    changed_token, _, changed_rest = changed.partition("/")
    with pytest.raises(FileNotFound):
        signer.verify(changed_token, changed_rest, now=1.0)


def test_the_boundary_between_key_and_name_is_signed() -> None:
    """Moving a slash between the key and the name does not give another valid link."""
    signer = UrlSigner([NEW], BASE)
    token, _ = path_of(signer.link("a/b", "c", 1000))
    assert signer.verify(token, "a/b/c", now=1.0).name == "c"
    other, _ = path_of(signer.link("a", "b/c", 1000))
    with pytest.raises(FileNotFound):
        signer.verify(other, "a/b/c", now=1.0)


@pytest.mark.parametrize("secrets", [[], ["short"], [NEW, "short"]])
def test_weak_secrets_stop_the_process(secrets: list[str]) -> None:
    """No secret or a short one is a configuration error that names the variable."""
    with pytest.raises(ConfigurationError, match="LENSORA_URL_SIGNING_KEYS"):
        UrlSigner(secrets, BASE)
