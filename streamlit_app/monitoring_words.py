"""Checks, subjects and states of monitoring in the words of the pages."""

from streamlit_app.texts import TEXTS, code, feature_label, say


def check_label(name: str, language: str) -> str:
    """A check of docs/monitoring.md; as it is stored if it is a newer one."""
    key = f"monitoring_check_{name.replace(' ', '_')}"
    return say(key, language) if key in TEXTS else code(name)


def subject_label(name: str, language: str) -> str:
    """What a finding is about: a feature by its label, else in words, else a file or DAG as it is called."""
    key = f"monitoring_subject_{name.replace(' ', '_')}"
    if key in TEXTS:
        return say(key, language)
    label = feature_label(name, language)
    return code(name) if label == name else label
