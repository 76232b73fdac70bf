"""Texts of the page of one customer."""

# key: (Spanish, English)
TEXTS = {
    "customer_id": ("Id del cliente", "Customer id"),
    "customer_id_hint": ("por ejemplo 54018", "for example 54018"),
    "snapshot": ("Fecha de corte", "Snapshot date"),
    "search": ("Buscar", "Find"),
    "result_customer": ("Cliente {customer} al {snapshot}", "Customer {customer} as of {snapshot}"),
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
}
