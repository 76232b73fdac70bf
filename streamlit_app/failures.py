"""What a page shows in place of a traceback: one sentence with what is wrong and what to do; the log has the rest."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import streamlit as st
from pydantic import ValidationError

from ml.cli import CommandError, TryLater
from ml.model_config import MODEL_NAME
from ml.settings import settings
from streamlit_app.model import ModelMissing, ModelUnusable
from streamlit_app.texts import DEFAULT_LANGUAGE, code, say

log = logging.getLogger(__name__)


@contextmanager
def told(language: str) -> Iterator[None]:
    """Show what fails inside as a sentence on the page; what was drawn before it stays."""
    try:
        yield
    except ModelMissing:
        st.warning(say("no_model", language, name=MODEL_NAME))
    except ModelUnusable as error:
        st.error(say("bad_model", language, version=error.version, reason=code(error)))
    except TryLater:
        st.error(say("mlflow_down", language, address=code(settings().mlflow_tracking_uri)))
    except CommandError as error:
        st.error(code(error, 1000))  # it ends with what to do
    except psycopg.Error as error:
        _database(error, language)
    except ValidationError as error:
        for problem in error.errors():
            variable = ".".join(str(part) for part in problem["loc"]).upper()
            st.error(say("bad_settings", DEFAULT_LANGUAGE, variable=code(variable), reason=code(problem["msg"])))
    except Exception as error:
        log.exception("the page failed")
        st.error(say("unexpected", language, kind=code(type(error).__name__)))


def _database(error: psycopg.Error, language: str) -> None:
    env, words = settings(), str(error)
    address = code(f"{env.postgres_host}:{env.postgres_port}")
    missing = isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName)
    if missing or ("FATAL" in words and "does not exist" in words):  # libpq gives a refused connection no SQLSTATE
        st.error(say("database_not_ready", language, database=code(env.postgres_db)))
    elif "password authentication failed" in words:
        st.error(say("database_refused", language, address=address, user=code(env.postgres_user)))
    elif isinstance(error, psycopg.OperationalError) and error.sqlstate is None and "FATAL" not in words:
        st.error(say("database_down", language, address=address))
    else:
        st.error(say("database_error", language, reason=code(words.split("FATAL:")[-1])))
    log.error("PostgreSQL: %s", error)
