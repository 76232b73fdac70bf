"""Names of the feature columns as the page shows them; a column that is not here shows under its own name."""

# column: (Spanish, English)
FEATURE_LABELS = {
    "spent_7d": ("Gasto, últimos 7 días ($)", "Spent, last 7 days ($)"),
    "spent_30d": ("Gasto, últimos 30 días ($)", "Spent, last 30 days ($)"),
    "spent_90d": ("Gasto, últimos 90 días ($)", "Spent, last 90 days ($)"),
    "total_discount_30d": ("Descuentos, últimos 30 días ($)", "Discounts, last 30 days ($)"),
    "spent_per_payment_90d": ("Gasto por pago, 90 días ($)", "Spent per payment, 90 days ($)"),
    "spent_trend_90d": ("Tendencia del gasto (1 = pareja)", "Trend of spending (1 = steady)"),
    "payments_7d": ("Pagos, últimos 7 días", "Payments, last 7 days"),
    "payments_30d": ("Pagos, últimos 30 días", "Payments, last 30 days"),
    "payments_90d": ("Pagos, últimos 90 días", "Payments, last 90 days"),
    "payments_trend_90d": ("Tendencia de los pagos (1 = pareja)", "Trend of payments (1 = steady)"),
    "active_days_30d": ("Días con pagos, últimos 30", "Days with payments, last 30"),
    "active_weeks_90d": ("Semanas con pagos, últimas 13", "Weeks with payments, last 13"),
    "segments_90d": ("Rubros usados, 90 días", "Payment segments, 90 days"),
    "mean_gap_90d": ("Días entre pagos, promedio", "Days between payments, mean"),
    "recency_to_gap_90d": ("Demora del próximo pago (veces)", "Next payment overdue (times)"),
    "days_since_activity": ("Días desde el último pago", "Days since the last payment"),
    "tenure_days": ("Días desde el primer pago", "Days since the first payment"),
    "mau_mp_1": ("Días con visita a MP, mes -1", "Days visiting MP, month -1"),
    "mau_mp_2": ("Días con visita a MP, mes -2", "Days visiting MP, month -2"),
    "mau_mp_3": ("Días con visita a MP, mes -3", "Days visiting MP, month -3"),
    "mau_ml_1": ("Días con visita a ML, mes -1", "Days visiting ML, month -1"),
    "mau_ml_2": ("Días con visita a ML, mes -2", "Days visiting ML, month -2"),
    "mau_ml_3": ("Días con visita a ML, mes -3", "Days visiting ML, month -3"),
    "days_since_login_mp": ("Días desde la última visita a MP", "Days since the last MP visit"),
    "days_since_login_ml": ("Días desde la última visita a ML", "Days since the last ML visit"),
    "plata_cuenta_1": ("Mayor saldo, mes -1 ($)", "Highest balance, month -1 ($)"),
    "plata_cuenta_2": ("Mayor saldo, mes -2 ($)", "Highest balance, month -2 ($)"),
    "has_inversion": ("Invierte (1 = sí, 0 = no)", "Invests (1 = yes, 0 = no)"),
    "spent_ml": ("Gasto en Mercado Libre ($)", "Spent on Mercado Libre ($)"),
    "frequency_ml": ("Días con compras en ML", "Days with purchases on ML"),
    "days_since_purchase_ml": ("Días desde la última compra en ML", "Days since the last ML purchase"),
    "gender": ("Género", "Gender"),
    "rango_edad": ("Rango de edad", "Age group"),
    "tarjetas": ("Medio de pago principal", "Main means of payment"),
    "estado": ("Provincia", "Province"),
}


def feature_label(feature: str, language: str) -> str:
    """What the page calls the column `feature` in `language` (es or en)."""
    spanish, english = FEATURE_LABELS.get(feature, (feature, feature))
    return spanish if language == "es" else english
