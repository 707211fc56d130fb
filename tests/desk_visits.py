"""Accounts of tests at the desk: their password, a browser that is signed in, the fields of a page."""

import re
from collections.abc import Callable, Iterator
from html import unescape

from fastapi import FastAPI
from fastapi.testclient import TestClient

from web.app import create_app
from web.services import Services

PASSWORD = "烽火连三月，家书抵万金"
Browse = Callable[[str], TestClient]
"""The browser of somebody, signed in; the same one when asked again."""


def signed_in(app: FastAPI, name: str, *, password: str = PASSWORD, door: str = "/signin") -> TestClient:
    """A browser that came in by the page `door`. The caller closes it."""
    client = TestClient(app, follow_redirects=False)
    sign_in(client, name, password=password, door=door)
    return client


def visits(services: Services) -> Iterator[Browse]:
    """For a fixture: browsers of those who have an account, closed at the end."""
    opened: dict[str, TestClient] = {}

    def browse(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(create_app(services), name)
        return opened[name]

    yield browse
    for client in opened.values():
        client.close()


def sign_in(client: TestClient, name: str, *, password: str = PASSWORD, door: str = "/signin") -> None:
    """Come in with a browser that is there already."""
    form = {"door": value_of(client.get(door).text, "door"), "username": name, "password": password}
    assert client.post("/signin", data=form).status_code == 303


def value_of(html: str, name: str) -> str:
    """What a field of a page holds."""
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', html)
    assert found, f"no field {name}"
    return unescape(found[1])
