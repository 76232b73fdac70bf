"""Who may change things in the app."""

import streamlit as st

from ml.settings import settings

ROLE = "X-Gateway-Role"  # set by docker/gateway/Caddyfile, which removes what a browser sent under this name


def may_change() -> bool:
    """Whether this page's visitor may promote models or create campaigns.

    Behind the gateway operators may, and a visitor without a role counts as a viewer; without the gateway, everyone on
    the machine may.
    """
    return settings().app_login != "gateway" or st.context.headers.get(ROLE) == "operator"
