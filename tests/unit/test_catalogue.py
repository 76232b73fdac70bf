"""The catalogue of features: what follows from it without a database."""

import subprocess
import sys

from ml.snapshots import catalogue


def test_no_two_columns_share_a_name():
    names = [name for name, _, _ in catalogue.columns()]
    assert len(set(names)) == len(names)


def test_the_table_in_the_docs_is_the_catalogues():
    text = catalogue.DOCS.read_text(encoding="utf-8")
    written = text.split(catalogue.DOCS_BEGIN)[1].split(catalogue.DOCS_END)[0]
    assert written == catalogue.docs_table(), "run: python -m ml.snapshots.catalogue --docs"


def test_every_feature_has_a_meaning_of_its_own_in_both_languages():
    for language in ("en", "es"):
        meanings = [getattr(feature.meaning, language) for feature in catalogue.FEATURES]
        assert len(set(meanings)) == len(meanings)


def test_printing_the_columns_needs_the_standard_library_alone():
    subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, '.'); import ml.snapshots.catalogue"],
        cwd=catalogue.DOCS.parents[1],
        check=True,
    )
