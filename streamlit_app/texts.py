"""The texts of the page in Spanish and English, and the formats of numbers and dates."""

# ruff: noqa: E501 - a sentence stays on one line

from datetime import date, datetime

from ml.snapshots.catalogue import BY_NAME, CHURN_DAYS

LANGUAGES = {"es": "Español", "en": "English"}
DEFAULT_LANGUAGE = "es"
EXPONENT_FROM = 1e15  # more digits than a float has

# key: (Spanish, English)
TEXTS = {
    "title": ("Riesgo de abandono de un cliente", "A customer's risk of churning"),
    "intro": (
        f"Probabilidad de que el cliente no haga ningún pago en los {CHURN_DAYS} días que siguen a la fecha de corte.",
        f"Probability that the customer makes no payment in the {CHURN_DAYS} days from the snapshot date.",
    ),
    "language": ("Idioma / Language", "Idioma / Language"),
    "model_line": (
        "Modelo {name}, versión {version} · umbral de decisión {threshold}",
        "Model {name}, version {version} · decision threshold {threshold}",
    ),
    "loading": ("Cargando el modelo…", "Loading the model…"),
    "alert": ("1 alerta del monitoreo al {snapshot}", "1 monitoring alert at {snapshot}"),
    "alerts": ("{count} alertas del monitoreo al {snapshot}", "{count} monitoring alerts at {snapshot}"),
    "alert_drift": (
        "**{subject}** ya no se distribuye como en el entrenamiento: {detail}. Si los clientes cambiaron, hay que entrenar de nuevo (`churn_train_register_m`); si un archivo está mal, cargar uno corregido con `make seed`.",
        "**{subject}** is no longer distributed as in the training: {detail}. If customers have changed, train again (`churn_train_register_m`); if a file is wrong, load a corrected one with `make seed`.",
    ),
    "alert_share_unknown": (
        "**{subject}** se desconoce para otra parte de los clientes que en el entrenamiento: {detail}. Cargá un archivo completo con `make seed` y calculá de nuevo las variables.",
        "**{subject}** is unknown for another share of the customers than in the training: {detail}. Load a complete file with `make seed` and build the features again.",
    ),
    "alert_calibration": (
        "Las probabilidades prometen más o menos abandono del que hubo: {detail}. Hay que entrenar con cortes más nuevos: `churn_train_register_m`.",
        "The probabilities promise more or less churn than there was: {detail}. Train on newer snapshots: `churn_train_register_m`.",
    ),
    "alert_roc_auc": (
        "El modelo ordena a los clientes peor que cuando se entrenó: {detail}. Hay que entrenar con cortes más nuevos: `churn_train_register_m`.",
        "The model ranks customers worse than when it was trained: {detail}. Train on newer snapshots: `churn_train_register_m`.",
    ),
    "alert_volume": (
        "La cantidad de clientes cambió de una semana a la otra: {detail}. Revisá las cargas de PAYMENTS.csv en `ops.raw_loads`.",
        "The number of customers changed within a week: {detail}. Check the loads of PAYMENTS.csv in `ops.raw_loads`.",
    ),
    "alert_load": (
        "Carga de **{subject}**: {detail}. Mirá `ops.raw_rejects` y cargá un archivo corregido con `make seed`.",
        "Load of **{subject}**: {detail}. See `ops.raw_rejects` and load a corrected file with `make seed`.",
    ),
    "alert_run_that_did_not_happen": (
        "Una corrida de **{subject}** no se hizo: {detail}. Hacela en Airflow.",
        "A run of **{subject}** did not happen: {detail}. Start it in Airflow.",
    ),
    "alert_other": (
        "{check}, **{subject}**: {detail}. Qué hacer: `what_to_do` en `ops.monitoring`.",
        "{check}, **{subject}**: {detail}. What to do: `what_to_do` in `ops.monitoring`.",
    ),
    "find": ("1 · Buscar un cliente", "1 · Find a customer"),
    "customer_id": ("Id del cliente", "Customer id"),
    "customer_id_hint": ("por ejemplo 54018", "for example 54018"),
    "snapshot": ("Fecha de corte", "Snapshot date"),
    "search": ("Buscar", "Find"),
    "values_help": (
        "Cambiá los valores y volvé a calcular. Un campo vacío significa que no se sabe.",
        "Change the values and compute again. An empty field means not known.",
    ),
    "no_customer_values": ("2 · O escribir los valores a mano", "2 · Or enter values by hand"),
    "customer_values": ("2 · Cambiar los valores", "2 · Change the values"),
    "meanings": ("Qué mide cada variable", "What each feature measures"),
    "compute": ("Calcular", "Compute"),
    "unknown": ("no se sabe", "not known"),
    "unseen": ("{value} (no vista en el entrenamiento)", "{value} (not seen in training)"),
    "result": ("Resultado", "Result"),
    "result_customer": ("Cliente {customer} al {snapshot}", "Customer {customer} as of {snapshot}"),
    "result_edited": (
        "Cliente {customer} al {snapshot}, con los valores cambiados",
        "Customer {customer} as of {snapshot}, with changed values",
    ),
    "result_by_hand": ("Valores escritos a mano", "Values entered by hand"),
    "probability": ("Probabilidad de abandono", "Probability of churning"),
    "decision": ("Decisión", "Decision"),
    "churner": ("En riesgo", "At risk"),
    "stayer": ("Se queda", "Stays"),
    "version": ("Versión del modelo", "Model version"),
    "batch_line": (
        "Puntaje guardado por el lote semanal: **{score}** (versión {version}, {scored_at} UTC).",
        "Score stored by the weekly batch: **{score}** (version {version}, {scored_at} UTC).",
    ),
    "batch_missing": (
        "El lote semanal no guardó un puntaje para esta fecha: `airflow dags test churn_batch_score_w {snapshot}`.",
        "The weekly batch has stored no score for this date: `airflow dags test churn_batch_score_w {snapshot}`.",
    ),
    "batch_other_version": (
        "Ese puntaje es de la versión {stored}; en Production está ahora la {current}.",
        "That score is of version {stored}; version {current} is in Production now.",
    ),
    "contributions": ("Qué pesa más", "What contributes most"),
    "contributions_help": (
        "Frente al cliente promedio: cuánto suma cada grupo de variables al logaritmo de sus chances. Positivo sube el riesgo, negativo lo baja. La suma es exacta.",
        "Against the average customer: what each group of features adds to the log-odds. Positive raises the risk, negative lowers it. The sum is exact.",
    ),
    "column_feature": ("Grupo", "Group"),
    "column_value": ("Valores", "Values"),
    "column_contribution": ("Aporte", "Contribution"),
    "base": ("cliente promedio", "average customer"),
    "total": ("suma (log-odds)", "sum (log-odds)"),
    "warn_unseen": (
        "{feature}: el modelo no vio {value} en el entrenamiento; para él es como si no se supiera.",
        "{feature}: the model has not seen {value} in training; it counts as not known.",
    ),
    "unusual": (
        "Fuera del 98 % central del entrenamiento: {values}.",
        "Outside the middle 98% of the training values: {values}.",
    ),
    "already_churned": (
        "Este cliente ya abandonó: no hace pagos desde hace {days} días ({limit} o más). El modelo no se entrena con clientes así ni les calcula un puntaje.",
        "This customer has already churned: no payment for {days} days ({limit} or more). The model is not trained on such customers and gives them no score.",
    ),
    "bad_id": (
        "{value} no es un id de cliente: se espera un número entero entre 1 y {largest}.",
        "{value} is not a customer id: a whole number from 1 to {largest} is expected.",
    ),
    "unknown_customer": (
        "El cliente {customer} no está en los datos: no hay variables suyas en ninguna fecha de corte.",
        "Customer {customer} is not in the data: there are no features for this customer at any snapshot.",
    ),
    "other_snapshots": (
        "El cliente {customer} no tiene variables al {snapshot}; sí las tiene al {found}.",
        "Customer {customer} has no features as of {snapshot}, but has them as of {found}.",
    ),
    "no_snapshots": (
        "Todavía no hay variables calculadas. Para calcularlas: `airflow dags test churn_feature_build_w 2019-05-26`.",
        "No features have been built yet. To build them: `airflow dags test churn_feature_build_w 2019-05-26`.",
    ),
    "no_model": (
        "Todavía no hay un modelo {name} en Production. Para entrenarlo: `airflow dags test churn_train_register_m 2019-05-31`.",
        "There is no {name} model in Production yet. To train it: `airflow dags test churn_train_register_m 2019-05-31`.",
    ),
    "mlflow_down": (
        "MLflow no responde en {address}. ¿Está encendido? `make local-ps` (procesos) o `make ps` (contenedores).",
        "MLflow does not answer at {address}. Is it running? `make local-ps` (processes) or `make ps` (containers).",
    ),
    "bad_model": (
        "La versión {version} del modelo no se puede usar en esta página: {reason}",
        "Version {version} of the model cannot be used on this page: {reason}",
    ),
    "database_down": (
        "PostgreSQL no responde en {address}. ¿Está encendido? `make local-ps` (procesos) o `make ps` (contenedores).",
        "PostgreSQL does not answer at {address}. Is it running? `make local-ps` (processes) or `make ps` (containers).",
    ),
    "database_refused": (
        "PostgreSQL en {address} no aceptó la conexión de {user}. Revisá su contraseña en `.env`.",
        "PostgreSQL at {address} refused the connection of {user}. Check its password in `.env`.",
    ),
    "database_not_ready": (
        "La base {database} no tiene las tablas que esta página lee. Para crearlas: `make seed`.",
        "Database {database} lacks the tables that this page reads. To create them: `make seed`.",
    ),
    "database_error": ("PostgreSQL no pudo responder: {reason}", "PostgreSQL could not answer: {reason}"),
    "bad_settings": ("Variable de entorno {variable}: {reason}", "Environment variable {variable}: {reason}"),
    "unexpected": (
        "La página falló de forma inesperada ({kind}). El detalle está en su registro: `make local-logs` o `make logs`.",
        "The page failed unexpectedly ({kind}). Details are in its log: `make local-logs` or `make logs`.",
    ),
}


def say(key: str, language: str, **values: object) -> str:
    """The text `key` in `language` (es or en), with `values` put in."""
    spanish, english = TEXTS[key]
    return (spanish if language == "es" else english).format(**values)


def feature_label(name: str, language: str) -> str:
    """Label of a feature; the column's name for a feature of an older model that is no longer in the catalogue."""
    return BY_NAME[name].shown(language) if name in BY_NAME else name


def code(value: object) -> str:
    """`value` as inline code, so that nothing typed or stored is read as Markdown; cut to 80 characters."""
    text = " ".join(str(value).replace("`", "'").split())
    return f"`{text[:79]}…`" if len(text) > 80 else f"`{text or ' '}`"


def number(value: float, language: str, digits: int = 2) -> str:
    """`value` with at most `digits` decimals, in the language's separators: 1.234,5 (es), 1,234.5 (en)."""
    if isinstance(value, int):
        english = f"{value:,}"
    elif abs(value) >= EXPONENT_FROM:
        english = f"{value:.3g}"
    else:
        english = f"{round(value, digits) + 0.0:,.{digits}f}"  # + 0.0: no negative zero
        english = english.rstrip("0").rstrip(".") if digits else english
    return _separated(english, language)


def signed(value: float, language: str) -> str:
    """`value` with its sign and two decimals: +1,25 (es), +1.25 (en)."""
    return _separated(f"{round(value, 2) + 0.0:+,.2f}", language)


def _separated(english: str, language: str) -> str:
    return english.translate(str.maketrans(",.", ".,")) if language == "es" else english


def percent(share: float, language: str) -> str:
    """A share as a percentage with one decimal: 37,2 % (es), 37.2% (en)."""
    return f"{share * 100:.1f} %".replace(".", ",") if language == "es" else f"{share:.1%}"


def day(value: date, language: str) -> str:
    """A date as the language writes it: 26/05/2019 (es), 2019-05-26 (en)."""
    return f"{value:%d/%m/%Y}" if language == "es" else value.isoformat()


def minute(value: datetime, language: str) -> str:
    """A moment to the minute, its date as in `day`."""
    return f"{day(value.date(), language)} {value:%H:%M}"
