"""Texts of the page of one customer."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {
    "customer_title": ("Un cliente", "One customer"),
    "customer_intro": (
        "Su riesgo, de qué viene, qué hizo, y cómo cambiaría si se comportara de otra manera.",
        "The risk, where it comes from, what the customer did, and how it would change with other behaviour.",
    ),
    "customer_find": ("Elegir de una lista", "Pick from a list"),
    "customer_risk": ("Probabilidad de abandono, en %", "Probability of churning, in %"),
    "customer_spent": ("Gasto mínimo en 90 días, en pesos", "Least spent in 90 days, in pesos"),
    "customer_any": ("cualquiera", "any"),
    "customer_list": ("Ver la lista", "Show the list"),
    "customer_listed": (
        "{found} clientes cumplen; estos son los {shown} con más riesgo. El id abre la página en otra pestaña.",
        "{found} customers meet this; these are the {shown} most at risk. The id opens the page in another tab.",
    ),
    "customer_none_listed": (
        "Ningún cliente con puntaje cumple estas condiciones al {snapshot}.",
        "No scored customer meets these conditions as of {snapshot}.",
    ),
    "customer_nobody": ("Ningún cliente elegido: el cliente típico", "No customer chosen: the typical one"),
    "customer_nobody_help": (
        "La mediana de cada variable entre los clientes activos al {snapshot}.",
        "The median of each feature among the active customers as of {snapshot}.",
    ),
    "customer_place": ("Lugar entre todos", "Place among all"),
    "customer_place_value": ("más que el {share}", "above {share}"),
    "customer_place_help": (
        "Parte de los clientes con puntaje a esta fecha cuya probabilidad es menor.",
        "Share of the customers scored at this date whose probability is lower.",
    ),
    "customer_stake_help": (
        "Gasto de 90 días ({spent}) por la probabilidad.",
        "Spent in 90 days ({spent}) times the probability.",
    ),
    "customer_no_place": ("sin puntaje del lote", "not scored by the batch"),
    "customer_average": ("Cliente promedio", "Average customer"),
    "customer_sum": ("Suma", "Sum"),
    "customer_adds": ("Aporte (log-odds)", "Contribution (log-odds)"),
    "customer_group": ("Grupo", "Group"),
    "customer_values": ("Valores", "Values"),
    "customer_history": ("Qué hizo", "What the customer did"),
    "customer_history_help": (
        "Pagos por semana, y en cada corte el puntaje que se guardó. Que se quedó o se fue se sabe 60 días después.",
        "Payments by week, and at each snapshot the score that was stored. Staying or leaving is known 60 days later.",
    ),
    "customer_week": ("Semana", "Week"),
    "customer_payments": ("Pagos", "Payments"),
    "customer_spent_week": ("Gasto", "Spent"),
    "customer_then": ("Qué pasó después", "What then happened"),
    "customer_then_stayed": ("se quedó", "stayed"),
    "customer_then_left": ("se fue", "left"),
    "customer_then_gone": ("ya se había ido", "had left already"),
    "customer_then_unknown": ("todavía no se sabe", "not known yet"),
    "customer_no_scores": ("Ningún corte tiene puntaje de este cliente.", "No snapshot has a score of this customer."),
    "customer_what_if": ("Qué pasaría si…", "What if…"),
    "customer_what_if_help": (
        "Lo demás se deduce: los días con pagos, el gasto, los descuentos y las tendencias siguen a lo que cambiás.",
        "The rest follows: days with payments, spending, discounts and trends are derived from what you change.",
    ),
    "customer_if_days": ("Días desde el último pago", "Days since the last payment"),
    "customer_if_30": ("Pagos en 30 días", "Payments in 30 days"),
    "customer_if_90": ("Pagos en 90 días", "Payments in 90 days"),
    "customer_if_spent": ("Pesos por pago", "Pesos a payment"),
    "customer_if_visited": ("Días con visita a MP, mes anterior", "Days visiting MP, month before"),
    "customer_if_corrected": (
        "Con el último pago hace {days} días, los pagos en 30 días son {in_30} y en 90 días {in_90}.",
        "With the last payment {days} days ago, there are {in_30} payments in 30 days and {in_90} in 90 days.",
    ),
    "customer_if_before": ("antes {before}", "before {before}"),
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
