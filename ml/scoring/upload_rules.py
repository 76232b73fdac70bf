"""What a field of an uploaded file may hold: the condition in DuckDB's SQL, and the sentence in both languages."""

from dataclasses import dataclass

from ml.loading.files import NUMBER, WHOLE
from ml.model_config import ACTIVE_DAYS
from ml.scoring.upload_layout import DAYS, ID, Layout
from ml.snapshots.catalogue import BY_NAME, INTEGER, SMALLINT, TEXT
from ml.snapshots.feature import REAL, Feature, Text

LARGEST = {SMALLINT: 2**15 - 1, INTEGER: 2**31 - 1}

# Of a line as a whole, of a customer, or of another row; {} is the detail that is stored with the problem.
UNREADABLE = Text(
    "UTF-8 text without control characters, at most 1 MiB a line, with every quote closed",
    "texto UTF-8 sin caracteres de control, de hasta 1 MiB por línea, con cada comilla cerrada",
)
FIELDS = Text("as many fields as the header: {}", "tantos campos como el encabezado: {}")
ONCE = Text("each customer once; already in row {}", "cada cliente una vez; ya está en la fila {}")
ACTIVE = Text(
    f"fewer than {ACTIVE_DAYS} days since the last payment: this customer has churned already and gets no score",
    f"menos de {ACTIVE_DAYS} días desde el último pago: este cliente ya abandonó y no recibe puntaje",
)
KNOWN = Text(
    "a customer with features at the snapshot: this one has none",
    "un cliente con variables en la fecha de corte: este no las tiene",
)
NOT_SCORED = Text(
    "a customer that the stored scores include; score the snapshot again: airflow dags test churn_batch_score_w {}",
    "un cliente que esté entre los puntajes guardados; volvé a calcularlos: airflow dags test churn_batch_score_w {}",
)
OF_ROWS = (UNREADABLE, FIELDS, ONCE, ACTIVE, KNOWN, NOT_SCORED)
_EMPTY_ALLOWED = Text("; empty = not known", "; vacío = no se sabe")


@dataclass(frozen=True)
class Rule:
    """Of one column: SQL of its text, of its value (NULL: none), of whether that is allowed, and what is expected."""

    name: str
    text: str
    value: str
    is_good: str
    expected: Text


def macros(layout: Layout) -> str:
    """DuckDB's functions `number` and `whole` of a field's text in the file's own decimal sign; NULL if it is none.

    With a decimal comma a point is refused: it would be a thousands separator or a decimal point.
    """
    read = "case when not contains(field, '.') then replace(field, ',', '.') end" if layout.decimal_comma else "field"
    return f"""
        create macro number(field) as {NUMBER.format(field=f"({read})")};
        create macro whole(field) as {WHOLE.format(field=f"({read})")};
    """


def rules(layout: Layout) -> list[Rule]:
    """One for each column that is read, in the order of the file."""
    return [_rule(name, place, layout) for name, place in sorted(layout.read.items(), key=lambda item: item[1])]


def _rule(name: str, place: int, layout: Layout) -> Rule:
    text = rf"nullif(trim(c{place}, e' \t'), '')"
    if name == ID:
        is_required = layout.kind == "ids"
        is_good = f"{ID} >= 1"
        value = f"whole({text})"
        expected = _sentence(_whole(layout), 1, 2**63 - 1)
    else:
        feature = BY_NAME[name]
        is_required = feature.required or name == DAYS
        is_good = " and ".join(filter(None, (feature.limits(), f"{name} is not null", _largest(feature))))
        value = {TEXT: text, REAL: f"number({text})"}.get(feature.sql_type, f"whole({text})")
        expected = _of_feature(feature, layout)
    if not is_required:
        is_good = f"{text} is null or {is_good}"
        expected = Text(*(said + more for said, more in zip(expected, _EMPTY_ALLOWED, strict=True)))
    return Rule(name, text, value, f"coalesce({is_good}, false)", expected)


def _largest(feature: Feature) -> str:
    largest = LARGEST.get(feature.sql_type)
    return "" if largest is None else f"{feature.name} between {-largest - 1} and {largest}"


def _of_feature(feature: Feature, layout: Layout) -> Text:
    if feature.sql_type == TEXT:
        return Text("any text", "cualquier texto")
    if feature.sql_type in LARGEST:
        highest = LARGEST[feature.sql_type] if feature.maximum is None else feature.maximum
        return _sentence(_whole(layout), feature.minimum, highest)
    sign = (
        Text(" with a decimal comma and no thousands separator", " con coma decimal y sin separador de miles")
        if layout.decimal_comma
        else Text(" with a decimal point", " con punto decimal")
    )
    number = Text("a finite number" + sign.en, "un número finito" + sign.es)
    return _sentence(number, feature.minimum, feature.maximum)


def _whole(layout: Layout) -> Text:
    if layout.decimal_comma:
        return Text("a whole number without thousands separator", "un número entero sin separador de miles")
    return Text("a whole number", "un número entero")


def _sentence(what: Text, lowest: int | None, highest: int | None) -> Text:
    if lowest is None:
        return what if highest is None else Text(f"{what.en} up to {highest}", f"{what.es} hasta {highest}")
    if highest is None:
        return Text(f"{what.en}, {lowest} or more", f"{what.es}, {lowest} o más")
    return Text(f"{what.en} from {lowest} to {highest}", f"{what.es} de {lowest} a {highest}")
