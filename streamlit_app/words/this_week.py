"""Texts of the home page, and the reasons that it gives."""

from ml.snapshots.catalogue import CHURN_DAYS

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {
    "week_title": ("Quién está por irse", "Who is about to leave"),
    "week_intro": (
        f"Clientes de los que el modelo espera que no hagan ningún pago en los {CHURN_DAYS} días que siguen a la fecha de corte.",
        f"Customers who the model expects to make no payment in the {CHURN_DAYS} days from the snapshot date.",
    ),
    "week_none": (
        "Todavía no hay puntajes. Para calcularlos: `airflow dags test churn_batch_score_w 2019-06-30`.",
        "There are no scores yet. To compute them: `airflow dags test churn_batch_score_w 2019-06-30`.",
    ),
    "week_at_risk": ("Clientes en riesgo", "Customers at risk"),
    "week_at_risk_help": (
        "Clientes activos cuya probabilidad de abandono llega al umbral de la versión, {threshold}.",
        "Active customers whose probability of churning reaches the version's threshold, {threshold}.",
    ),
    "week_share": ("De los clientes activos", "Of active customers"),
    "week_share_help": (
        "Clientes en riesgo sobre los {scored} clientes activos: los que pagaron en los {days} días anteriores al corte.",
        "Customers at risk among the {scored} active ones: those with a payment in the {days} days before the snapshot.",
    ),
    "week_at_stake": ("Pagos en juego", "Payments at stake"),
    "week_at_stake_help": (
        "Lo que cada cliente activo gastó en 90 días por su probabilidad de abandono, sumado.",
        "What each active customer spent in 90 days times the probability of churning, summed.",
    ),
    "week_mean": ("Abandono esperado", "Expected churn"),
    "week_mean_help": (
        "Promedio de las probabilidades: la parte de los clientes activos que se espera perder.",
        "Mean of the probabilities: the share of active customers expected to leave.",
    ),
    "week_change": (
        "Debajo de cada cifra, el cambio frente al {before}.",
        "Below each figure, the change against {before}.",
    ),
    "week_points": ("{change} puntos", "{change} points"),
    "week_top": ("Con más en juego", "Most at stake"),
    "week_top_help": (
        "Los {count} clientes con más pagos en juego. El id abre la página del cliente en otra pestaña.",
        "The {count} customers with most payments at stake. The id opens the customer's page in another tab.",
    ),
    "week_to_customers": ("Buscar otros clientes", "Find other customers"),
    "week_to_campaign": ("Armar una campaña", "Plan a campaign"),
    "week_customer": ("Cliente", "Customer"),
    "week_score": ("Probabilidad", "Probability"),
    "week_reason": ("Por qué", "Why"),
    "week_state": ("Cómo están los datos", "State of the data"),
    "week_payments_known_through": ("Pagos conocidos hasta", "Payments known through"),
    "week_scores_of": ("Últimos puntajes", "Newest scores"),
    "week_features_of": ("Últimas variables", "Newest features"),
    "week_monitored": ("Último monitoreo", "Last monitored"),
    "week_production": ("Versión en Production", "Version in Production"),
    "week_nothing": ("nada todavía", "nothing yet"),
    "week_no_alerts": ("Ninguna alerta abierta en el monitoreo.", "No open alerts in monitoring."),
    "week_to_monitoring": ("Ver el monitoreo", "See monitoring"),
    "week_to_model": ("Ver el modelo", "See the model"),
    "week_stale_version": (
        "Estos puntajes son de la versión {stored}; en Production está ahora la {current}. Para calcularlos de nuevo: `airflow dags test churn_batch_score_w {snapshot}`.",
        "These scores are of version {stored}; version {current} is in Production now. To score again: `airflow dags test churn_batch_score_w {snapshot}`.",
    ),
    "reason_recency": ("último pago hace {days} días", "last payment {days} days ago"),
    "reason_recency_one": ("último pago ayer", "last payment yesterday"),
    "reason_activity": (
        "paga poco: pagos en 90 días: {payments}; días con pagos en los últimos 30: {days}",
        "pays little: payments in 90 days: {payments}; days with payments in the last 30: {days}",
    ),
    "reason_spend": ("descuentos por {amount} en 30 días", "discounts of {amount} in 30 days"),
    "reason_visits": (
        "entra poco a las aplicaciones: días con visita a MP el mes anterior: {days}",
        "visits the apps little: days with a visit to MP in the month before: {days}",
    ),
    "reason_visits_unknown": (
        "no se sabe de visitas a las aplicaciones",
        "no visits to the apps are known",
    ),
    "reason_account": (
        "cuenta poco arraigada: días desde el primer pago, hasta 90: {tenure}; saldo {balance}",
        "account with little in it: days since the first payment, up to 90: {tenure}; balance {balance}",
    ),
    "reason_marketplace": ("compra poco en Mercado Libre", "buys little on Mercado Libre"),
    "reason_person": ("datos personales", "personal details"),
    "reason_none": ("ninguna razón sobresale", "no reason stands out"),
}
