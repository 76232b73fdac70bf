"""Who may change things in the app: behind the gateway, whom it calls an operator; without it, everyone."""

from types import SimpleNamespace

import pytest

from ml.settings import settings
from streamlit_app import access


@pytest.mark.parametrize(
    ("login", "headers", "may"),
    [
        ("", {}, True),
        ("gateway", {"X-Gateway-Role": "operator"}, True),
        ("gateway", {"X-Gateway-Role": "viewer"}, False),
        ("gateway", {"X-Gateway-Role": "operators"}, False),
        ("gateway", {}, False),
    ],
)
def test_operators_may_change_things_and_who_comes_without_a_role_may_not(monkeypatch, login, headers, may):
    monkeypatch.setenv("APP_LOGIN", login)
    monkeypatch.setattr(access.st, "context", SimpleNamespace(headers=headers))
    settings.cache_clear()
    try:
        assert access.may_change() is may
    finally:
        settings.cache_clear()
