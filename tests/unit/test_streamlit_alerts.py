"""The alerts of monitoring on the pages."""

from streamlit.testing.v1 import AppTest


def shown(language, *alerts):
    def page(language, alerts):
        from datetime import date

        from streamlit_app import alerts as shown_alerts

        named = [dict(zip(("check_name", "subject", "detail"), alert, strict=True)) for alert in alerts]
        shown_alerts.show([{"snapshot_date": date(2019, 6, 30), **alert} for alert in named], language)

    app = AppTest.from_function(page, args=(language, alerts)).run()
    assert not app.exception
    return [(each.label, each.markdown[0].value) for each in app.expander]


def test_without_alerts_there_is_nothing():
    assert shown("es") == []


def test_an_alert_is_one_line_that_opens_to_what_was_found_and_what_to_do():
    index = "population stability index 0.120 of payments_90d"
    ((title, text),) = shown("es", ("drift", "payments_90d", index))
    assert title == "1 alerta del monitoreo al 30 jun 2019"
    assert text.startswith(f"- **Pagos, últimos 90 días** ya no se distribuye como en el entrenamiento: `{index}`.")
    assert "`churn_train_register_m`" in text


def test_several_alerts_are_counted_and_one_of_an_unknown_kind_is_shown_too():
    ((title, text),) = shown("en", ("calibration", "newest closed snapshot", "+0.03"), ("new check", "x", "y"))
    assert title == "2 monitoring alerts at Jun 30, 2019"
    first, second = text.splitlines()
    assert first.startswith("- The probabilities promise more or less churn than there was: `+0.03`.")
    assert second == "- new check, **x**: `y`. What to do: `what_to_do` in `ops.monitoring`."
