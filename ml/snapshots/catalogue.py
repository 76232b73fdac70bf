"""All features of a customer at a snapshot date, each defined once: column, unit, texts, limits, part in the model.

The table and its comments, the contract's limits, the model's columns, the pages' labels and the table in docs/model.md
are generated from it; airflow/include/sql/features_churn.sql computes the values.

`python -m ml.snapshots.catalogue` prints the columns as JSON, for docker/postgres/init/50_features_tables.sql; with
`--docs` it writes the table of docs/model.md. psql runs it at every start, so it imports the standard library alone.
"""

import json
import sys
from pathlib import Path

from ml.snapshots.feature import REAL, Feature, Role, Text, Unit

TABLE = "features.churn_weekly_features"
CHURN_DAYS = 60  # a customer without a payment in so many days has churned; a label covers as many
DOCS = Path(__file__).resolve().parents[2] / "docs" / "model.md"
DOCS_BEGIN, DOCS_END = "<!-- catalogue: begin -->\n", "<!-- catalogue: end -->\n"

INTEGER, SMALLINT, TEXT = "integer", "smallint", "text"
PESOS, TIMES = Unit("pesos", Text("$", "$")), Unit("times", Text("times", "veces"))
TREND, FLAG = Unit("ratio", Text("1 = steady", "1 = pareja")), Unit("0 or 1", Text("1 = yes, 0 = no", "1 = sí, 0 = no"))
DAYS, WEEKS, PAYMENTS, SEGMENTS, NAME = (Unit(name) for name in ("days", "weeks", "payments", "segments", "name"))


# Each with its label and meaning in English and Spanish. In the order of the table: wide columns first, which leaves no
# gaps between them.
# fmt: off
FEATURES: tuple[Feature, ...] = (
    *(Feature(f"spent_{days}d", REAL, PESOS, "none", "", "spend", minimum=0,
        label=Text(f"Spent, last {days} days", f"Gasto, últimos {days} días"), meaning=Text(
        f"Pesos paid in the {days} days before snapshot_date; 0 = no payment.",
        f"Pesos pagados en los {days} días anteriores al corte; 0 = ningún pago."))
        for days in (7, 30, 90)),
    Feature("total_discount_30d", REAL, PESOS, "heavy-tailed", "more churn", "spend", minimum=0,
        label=Text("Discounts, last 30 days", "Descuentos, últimos 30 días"), meaning=Text(
        "Pesos of discount on the payments of the 30 days before snapshot_date; 0 = none.",
        "Pesos de descuento en los pagos de los 30 días anteriores al corte; 0 = ninguno.")),
    Feature("spent_per_payment_90d", REAL, PESOS, "none", "", "spend", minimum=0,
        label=Text("Spent per payment, 90 days", "Gasto por pago, 90 días"), meaning=Text(
        "Pesos a payment, spent_90d / payments_90d; NULL without payments in the 90 days.",
        "Pesos por pago, spent_90d / payments_90d; NULL si no hubo pagos en los 90 días.")),
    *(Feature(f"{name}_trend_90d", REAL, TREND, "none", "", "activity", minimum=0, maximum=3,
        label=Text(f"Trend of {english}", f"Tendencia {spanish}"), meaning=Text(
        f"Share of {name}_90d that falls in the last 30 days, times 3: 1 = steady, above 1 = rising, 0 = stopped;"
            f" NULL if {name}_90d is 0.",
        f"Parte de {name}_90d que cae en los últimos 30 días, por 3: 1 = pareja, más de 1 = en alza, 0 = se cortó;"
            f" NULL si {name}_90d es 0."))
        for name, english, spanish in (("spent", "spending", "del gasto"), ("payments", "payments", "de los pagos"))),
    Feature("mean_gap_90d", REAL, DAYS, "none", "", "activity", minimum=0, maximum=89,
        label=Text("Days between payments, mean", "Días entre pagos, promedio"), meaning=Text(
        "Mean days between consecutive payments in the 90 days before snapshot_date; NULL with fewer than two.",
        "Promedio de días entre pagos seguidos en los 90 días anteriores al corte; NULL con menos de dos.")),
    Feature("recency_to_gap_90d", REAL, TIMES, "none", "", "recency", minimum=0,
        label=Text("Next payment overdue", "Demora del próximo pago"), meaning=Text(
        "days_since_activity / mean_gap_90d, a gap below one day counted as one: how overdue the next payment is;"
            " NULL if mean_gap_90d is.",
        "days_since_activity / mean_gap_90d, con al menos un día entre pagos: cuánto se demora el próximo pago;"
            " NULL si mean_gap_90d lo es.")),
    Feature("plata_cuenta_1", REAL, PESOS, "heavy-tailed", "less churn", "account", minimum=0, score="balance",
        label=Text("Highest balance, month -1", "Mayor saldo, mes -1"), meaning=Text(
        "Highest account balance, pesos, in month -1 (the calendar month before the one of snapshot_date); NULL ="
            " not known.",
        "Mayor saldo de la cuenta, en pesos, en el mes -1 (el mes anterior al del corte); NULL = no se sabe.")),
    Feature("plata_cuenta_2", REAL, PESOS, "heavy-tailed", "less churn", "account", minimum=0, score="balance",
        label=Text("Highest balance, month -2", "Mayor saldo, mes -2"), meaning=Text(
        "Highest account balance, pesos, in month -2; NULL = not known.",
        "Mayor saldo de la cuenta, en pesos, en el mes -2; NULL = no se sabe.")),
    Feature("spent_ml", REAL, PESOS, "heavy-tailed", "less churn", "marketplace", minimum=0, score="purchases_ml",
        marked=True,
        label=Text("Spent on Mercado Libre", "Gasto en Mercado Libre"), meaning=Text(
        "Pesos spent on MercadoLibre as of the extraction; NULL = no purchase before snapshot_date known, and for"
            " everyone before the extraction month has ended.",
        "Pesos gastados en MercadoLibre hasta la extracción; NULL = no se sabe de compras anteriores al corte, y"
            " para todos hasta que termina el mes de la extracción.")),
    *(Feature(f"payments_{days}d", INTEGER, PAYMENTS, "saturating" if days == 90 else "none",
        "less churn" if days == 90 else "", "activity", minimum=0, required=True,
        label=Text(f"Payments, last {days} days", f"Pagos, últimos {days} días"), meaning=Text(
        f"Payments in the {days} days before snapshot_date.",
        f"Pagos en los {days} días anteriores al corte."))
        for days in (7, 30, 90)),
    Feature("days_since_activity", INTEGER, DAYS, "heavy-tailed", "more churn", "recency", minimum=1, required=True,
        label=Text("Days since the last payment", "Días desde el último pago"), meaning=Text(
        "Days from the last payment before snapshot_date to snapshot_date; 1 = the day before.",
        "Días desde el último pago anterior al corte hasta el corte; 1 = el día anterior.")),
    Feature("tenure_days", INTEGER, DAYS, "reached", "less churn", "account", minimum=1, maximum=90, required=True,
        settles_after=180,
        label=Text("Days since the first payment, up to 90", "Días desde el primer pago, hasta 90"), meaning=Text(
        "Days from the first payment to snapshot_date, 90 = 90 or more: what every snapshot can know, however long the"
            " history before it.",
        "Días desde el primer pago hasta el corte, 90 = 90 o más: lo que todo corte puede saber, sea cual sea la"
            " historia anterior.")),
    Feature("frequency_ml", INTEGER, DAYS, "heavy-tailed", "less churn", "marketplace", minimum=0, score="purchases_ml",
        label=Text("Days with purchases on ML", "Días con compras en ML"), meaning=Text(
        "Days with a MercadoLibre purchase as of the extraction; NULL as in spent_ml.",
        "Días con una compra en MercadoLibre hasta la extracción; NULL como en spent_ml.")),
    Feature("days_since_purchase_ml", INTEGER, DAYS, "none", "", "marketplace",
        label=Text("Days since the last ML purchase", "Días desde la última compra en ML"), meaning=Text(
        "Days from the last MercadoLibre purchase to the end of the extraction month; NULL as in spent_ml.",
        "Días desde la última compra en MercadoLibre al fin del mes de la extracción; NULL como en spent_ml.")),
    Feature("active_days_30d", SMALLINT, DAYS, "plain", "less churn", "activity", minimum=0, maximum=30, required=True,
        label=Text("Days with payments, last 30", "Días con pagos, últimos 30"), meaning=Text(
        "Days with a payment among the 30 before snapshot_date.",
        "Días con un pago entre los 30 anteriores al corte.")),
    Feature("active_weeks_90d", SMALLINT, WEEKS, "none", "", "activity", minimum=0, maximum=13, required=True,
        label=Text("Weeks with payments, last 13", "Semanas con pagos, últimas 13"), meaning=Text(
        "Seven-day blocks, counted back from snapshot_date, with a payment in the last 90 days; at most 13, the"
            " oldest has 6 days.",
        "Bloques de siete días, contados hacia atrás desde el corte, con un pago en los últimos 90 días; a lo sumo"
            " 13, el más viejo de 6 días.")),
    Feature("segments_90d", SMALLINT, SEGMENTS, "none", "", "activity", minimum=0, maximum=6, required=True,
        label=Text("Payment segments, 90 days", "Rubros usados, 90 días"), meaning=Text(
        "Different payment segments in the last 90 days: the five named ones, all others together as a sixth.",
        "Rubros de pago distintos en los últimos 90 días: los cinco con nombre, y todos los demás como un sexto.")),
    *(Feature(f"mau_{app.lower()}_{month}", SMALLINT, DAYS, "plain", "less churn", "visits", minimum=0, maximum=31,
        score=f"visits_{app.lower()}", marked=(app, month) == ("MP", 1),
        label=Text(f"Days visiting {app}, month -{month}", f"Días con visita a {app}, mes -{month}"), meaning=Text(
        f"Days with a visit to the {name} app in month -{month}; NULL = not known.",
        f"Días con una visita a la aplicación de {name} en el mes -{month}; NULL = no se sabe."))
        for app, name in (("MP", "MercadoPago"), ("ML", "MercadoLibre")) for month in (1, 2, 3)),
    Feature("days_since_login_mp", SMALLINT, DAYS, "heavy-tailed", "more churn", "visits", minimum=1,
        score="last_visits",
        label=Text("Days since the last MP visit", "Días desde la última visita a MP"), meaning=Text(
        "Days from the last MercadoPago visit in the extraction month to the end of that month; NULL = none known,"
            " and for everyone before that month has ended.",
        "Días desde la última visita a MercadoPago en el mes de la extracción hasta el fin de ese mes; NULL = no"
            " se sabe de ninguna, y para todos hasta que termina ese mes.")),
    Feature("days_since_login_ml", SMALLINT, DAYS, "heavy-tailed", "more churn", "visits", minimum=1,
        score="last_visits",
        label=Text("Days since the last ML visit", "Días desde la última visita a ML"), meaning=Text(
        "Days from the last MercadoLibre visit in the extraction month to the end of that month; NULL as in"
            " days_since_login_mp.",
        "Días desde la última visita a MercadoLibre en el mes de la extracción hasta el fin de ese mes; NULL como"
            " en days_since_login_mp.")),
    Feature("has_inversion", SMALLINT, FLAG, "plain", "less churn", "account", minimum=0, maximum=1,
        label=Text("Invests", "Invierte"), meaning=Text(
        "1 = the customer invests (INVERSION is investing), 0 = not, NULL = not known. Taken as constant in time.",
        "1 = el cliente invierte (INVERSION es investing), 0 = no, NULL = no se sabe. Se toma como fijo.")),
    Feature("gender", TEXT, NAME, "categorical", "", "person",
        label=Text("Gender", "Género"), meaning=Text(
        "male, female or Unknown; NULL = no row. Taken as constant in time.",
        "male, female o Unknown; NULL = sin fila. Se toma como fijo.")),
    *(Feature(column, TEXT, NAME, "categorical", "", group,
        label=Text(english, spanish), meaning=Text(
        f"{english}; NULL = no row. Taken as constant in time.",
        f"{spanish}; NULL = sin fila. Se toma como fijo."))
        for column, group, english, spanish in (
            ("rango_edad", "person", "Age group", "Rango de edad"),
            ("tarjetas", "account", "Main means of payment", "Medio de pago principal"),
            ("estado", "person", "Province", "Provincia"),
        )),
)

# Name, type and meaning of the other columns.
KEY_COLUMNS = (
    ("customer_id", "bigint", "Buyer: raw.payments.cus_cust_id_buy."),
    ("snapshot_date", "date",
        "The features use what was known before this date; [t-30, t) are the 30 days that end the day before it."),
)
LABEL_COLUMNS = (
    ("labeled_churn", SMALLINT,
        "1 = no payment within the horizon after snapshot_date, 0 = a payment, NULL = not known yet."),
    ("label_source", TEXT,
        f"inactive_60d: {CHURN_DAYS} days without a payment before snapshot_date, never trained on or scored."
        " observed: from the payments. evaluate: from the flag of raw.evaluate."),
    ("label_horizon_days", SMALLINT,
        f"Days after snapshot_date that the label speaks of: {CHURN_DAYS} if observed, those to the end of the flag's"
        " two months if evaluate, NULL otherwise."),
)
# fmt: on
BY_NAME = {feature.name: feature for feature in FEATURES}


def names(*roles: Role) -> tuple[str, ...]:
    """Features with one of these roles in the model, in the order of the table."""
    return tuple(feature.name for feature in FEATURES if feature.role in roles)


def model_features(*, demographics: bool) -> tuple[str, ...]:
    """Features that a version may use, numbers before texts; those of a person only with `demographics`."""
    able = [one for one in FEATURES if one.role != "none" and (demographics or one.group != "person")]
    return tuple(one.name for one in sorted(able, key=lambda one: one.role == "categorical"))


def columns() -> list[tuple[str, str, str]]:
    """Name, type and comment of every column of the table, in order."""
    of_features = ((feature.name, feature.sql_type, feature.meaning.en) for feature in FEATURES)
    return [*KEY_COLUMNS, *of_features, *LABEL_COLUMNS]


def limit_conditions() -> list[str]:
    """The limits of each feature, as SQL conditions for the contract."""
    return [limits for feature in FEATURES if (limits := feature.limits())]


def docs_table() -> str:
    """The features as the table of docs/model.md."""
    heads = ("feature", "unit", "allowed", "group", "in the model", "a higher value means", "meaning")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for one in FEATURES:
        low, high = ("" if limit is None else limit for limit in (one.minimum, one.maximum))
        allowed = "" if low == high == "" else f"{low} … {high}".strip()
        role = one.role + (f", in `{one.score}`" if one.score else "") + (", unknown marked" if one.marked else "")
        cells = (f"`{one.name}`", one.unit.name, allowed, one.group, role, one.direction, one.meaning.en)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Command line: `python -m ml.snapshots.catalogue [--docs]`."""
    if sys.argv[1:] == ["--docs"]:
        text = DOCS.read_text(encoding="utf-8")
        before, after = text[: text.index(DOCS_BEGIN)], text[text.index(DOCS_END) :]
        DOCS.write_text(f"{before}{DOCS_BEGIN}{docs_table()}{after}", encoding="utf-8")
    else:
        print(json.dumps([dict(zip(("name", "type", "meaning"), column, strict=True)) for column in columns()]))


if __name__ == "__main__":
    main()
