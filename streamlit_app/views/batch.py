"""Scores the customers of an uploaded CSV file, says what is wrong with it by row and column, offers both as files."""

import json
import shutil
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from ml.reports import batch as reports
from ml.reports.connection import reading
from ml.scoring import upload
from ml.scoring.upload_layout import Layout, Refused, recognise
from ml.scoring.upload_rows import MOST_PROBLEMS
from ml.store import registry
from ml.store.registry import ChurnVersion
from streamlit_app.formats import day, minute, number, percent
from streamlit_app.layout import Figure, as_of, figures, head, missing, table
from streamlit_app.model import Scorer, production_scorer
from streamlit_app.texts import code, feature_label, say

# Files are scored one after the other: the largest takes most of the container's memory.
SCORING = threading.Lock()


class Done(NamedTuple):
    """What came of a file, and the folder of its files, which goes with the session."""

    asked: tuple[str, Any]
    result: upload.Result
    folder: TemporaryDirectory[str]


def page(language: str) -> None:
    """Draw the page."""
    head(say("batch_title", language), say("batch_intro", language))
    with st.spinner(say("loading", language)):
        scorer = production_scorer()
        version = _version(scorer.version)
    _explain(version, language)
    _speak(language)
    uploaded = st.file_uploader(say("batch_upload", language), type=["csv", "txt", "tsv"], key="batch_file")
    if uploaded is None:
        _forget()
        return
    try:
        uploaded.seek(0)
        layout = recognise(uploaded, version.features)
        _say_layout(uploaded.name, layout, language)
        snapshot = _choose_snapshot(version, language) if layout.kind == "ids" else None
        if layout.kind == "ids" and snapshot is None:
            missing(say("no_snapshots", language))
            return
        asked = (uploaded.file_id, snapshot)
        if st.button(say("batch_score", language), type="primary"):
            _score(uploaded, snapshot, asked, version, scorer, language)
    except Refused as error:
        _forget()
        values = (", ".join(map(code, listed)) for listed in error.values)
        st.error(getattr(error.template, language).format(*values))
        return
    done: Done | None = st.session_state.get("batch_done")
    if done is not None and done.asked == asked:
        _show(done.result, language)


@st.cache_resource(max_entries=3, show_spinner=False)
def _version(number: str) -> ChurnVersion:
    with registry.session() as client:
        return registry.get(client, number)


def _explain(version: ChurnVersion, language: str) -> None:
    st.markdown(
        f"- {say('batch_ids_help', language)}\n"
        f"- {say('batch_features_help', language, count=len(version.features))}\n\n{say('batch_format_help', language)}"
    )
    st.download_button(
        say("batch_template", language),
        upload.template(version, decimal_comma=language == "es"),
        file_name=f"churn_features_v{version.version}.csv",
        mime="text/csv",
        on_click="ignore",
    )


def _speak(language: str) -> None:
    """Put the language's words in the place of those that Streamlit's uploader has in English alone."""
    size = number(st.get_option("server.maxUploadSize"), language)
    uploader = "[data-testid=stFileUploaderDropzone]"
    for place, text in (
        (f"{uploader} [data-testid=stBaseButton-secondary] p", say("batch_browse", language)),
        (f"{uploader} [data-testid=stFileUploaderDropzoneInstructions] span", say("batch_limits", language, size=size)),
    ):
        quoted = json.dumps(text, ensure_ascii=False)
        st.html(f"<style>{place} {{font-size: 0}} {place}::after {{content: {quoted}; font-size: 0.9rem}}</style>")


def _say_layout(name: str, layout: Layout, language: str) -> None:
    said = [say(f"batch_kind_{layout.kind}", language, name=code(name))]
    for key, columns in (("batch_passed_on", layout.passed_on), ("batch_ignored", layout.ignored)):
        if columns:
            said.append(say(key, language, columns=", ".join(map(code, columns))))
    st.markdown(" ".join(said))


def _choose_snapshot(version: ChurnVersion, language: str) -> reports.Snapshot | None:
    with reading() as conn:
        known = reports.snapshots(conn)
    if not known:
        return None

    def shown(snapshot: reports.Snapshot) -> str:
        is_stored = snapshot.model_version == version.version
        key = "batch_is_stored" if is_stored else "batch_is_computed"
        return say(key, language, snapshot=day(snapshot.snapshot_date, language))

    return st.selectbox(say("batch_snapshot", language), known, format_func=shown, key="batch_snapshot")


def _score(
    uploaded: UploadedFile,
    snapshot: reports.Snapshot | None,
    asked: tuple[str, Any],
    version: ChurnVersion,
    scorer: Scorer,
    language: str,
) -> None:
    _forget()
    bar = st.progress(0.0)

    def progress(share: float) -> None:
        bar.progress(share, say("batch_working", language, share=percent(share, language, 0)))

    progress(0.0)
    folder = TemporaryDirectory(prefix="batch-")
    with SCORING, TemporaryDirectory(prefix="upload-") as copied:
        path = Path(copied) / "uploaded.csv"
        uploaded.seek(0)
        with path.open("wb") as file:
            shutil.copyfileobj(uploaded, file)
        if snapshot is None:
            result = upload.score_features(path, Path(folder.name), version, scorer.pipeline, progress)
        else:
            with reading() as conn:
                result = upload.score_ids(
                    path, Path(folder.name), conn, snapshot.snapshot_date, version, scorer.pipeline, progress
                )
    bar.empty()
    st.session_state["batch_done"] = Done(asked, result, folder)


def _forget() -> None:
    """Remove the files of the result before."""
    done: Done | None = st.session_state.pop("batch_done", None)
    if done is not None:
        done.folder.cleanup()


def _show(result: upload.Result, language: str) -> None:
    st.subheader(say("batch_result", language))
    at = result.snapshot_date
    as_of(
        language,
        snapshot="" if at is None else day(at, language),
        version=result.version,
        scored=minute(result.scored_at, language),
    )
    threshold = number(result.threshold, language, 3)
    counts = [(name, getattr(result, name)) for name in ("rows", "scored", "rejected")]
    figures(
        [
            *(Figure(say(f"batch_{name}", language), number(count, language)) for name, count in counts),
            Figure(
                say("batch_churners", language),
                number(result.predicted_churn, language),
                say("batch_churners_help", language, threshold=threshold),
            ),
        ]
    )
    for name, values in result.unseen.items():
        shown = ", ".join(map(code, values[:5])) + ("…" if len(values) > 5 else "")
        st.warning(say("batch_unseen", language, feature=feature_label(name, language), values=shown))
    if result.scored:
        _offer(say("batch_download", language), result.scores_file, "churn_scores.csv", "primary")
    if result.problems:
        _show_problems(result, language)


def _show_problems(result: upload.Result, language: str) -> None:
    st.subheader(say("batch_problems", language))
    counts = {"count": number(result.problem_count, language), "shown": number(len(result.problems), language)}
    is_all = len(result.problems) == result.problem_count
    st.markdown(say("batch_problems_all" if is_all else "batch_problems_some", language, **counts))
    if result.problem_count > MOST_PROBLEMS:
        st.caption(say("batch_problems_cut", language))
    _offer(say("batch_download_problems", language), result.problems_file, "churn_problems.csv", "secondary")
    rows = [
        (
            one.row,
            code(one.column) if one.column else say("batch_whole_row", language),
            code(one.value) if one.value else say("batch_empty", language),
            getattr(one.expected, language),
        )
        for one in result.problems
    ]
    names = [say(f"batch_{name}", language) for name in ("row", "column", "value", "expected")]
    table(pd.DataFrame(rows, columns=names), {names[0]: partial(number, language=language)})


def _offer(label: str, path: Path, name: str, kind: Any) -> None:
    """A button that reads the file when it is pressed."""
    st.download_button(label, path.read_bytes, file_name=name, mime="text/csv", on_click="ignore", type=kind)
