"""What the model is made of and the limits that decisions about it use. Changing a value here makes a new version."""

MODEL_NAME = "churn-logreg"
PRODUCTION_ALIAS = "production"  # the truth that consumers read
PRODUCTION_STAGE = "Production"  # follows the alias, for readers that know stages only

# Amounts and counts whose tails reach thousands of times the median: compressed before scaling.
HEAVY_TAILED_FEATURES = (
    "spent_7d",
    "spent_30d",
    "spent_90d",
    "total_discount_30d",
    "spent_per_payment_90d",
    "plata_cuenta_1",
    "plata_cuenta_2",
    "spent_ml",
    "payments_7d",
    "payments_30d",
    "payments_90d",
    "frequency_ml",
    "mean_gap_90d",
    "recency_to_gap_90d",
    "days_since_activity",
)
PLAIN_FEATURES = (
    "spent_trend_90d",
    "payments_trend_90d",
    "tenure_days",
    "days_since_purchase_ml",
    "active_days_30d",
    "active_weeks_90d",
    "segments_90d",
    "mau_mp_1",
    "mau_mp_2",
    "mau_mp_3",
    "mau_ml_1",
    "mau_ml_2",
    "mau_ml_3",
    "days_since_login_mp",
    "days_since_login_ml",
    "has_inversion",
)
NUMERIC_FEATURES = HEAVY_TAILED_FEATURES + PLAIN_FEATURES
CATEGORICAL_FEATURES = ("gender", "rango_edad", "tarjetas", "estado")

ACTIVE_DAYS = 60  # days_since_activity below this: the active cohort, which alone is trained on, measured on and scored
TRAINED_LABEL_SOURCES = ("observed", "evaluate")

REGULARISATION_C = 1.0
SOLVER = "newton-cholesky"
MAX_ITERATIONS = 100
MIN_CATEGORY_SHARE = 0.002  # rarer categories share one coefficient, as do those that training never saw
FOLDS = 5

CUSTOMER_BUCKETS = 1000
HELDOUT_BUCKETS = 200  # customers in buckets 0..199 are never trained on, by any version
# Beyond these, a sample of customers: 2 million rows determine a hundred coefficients to three digits, and 100,000 the
# ROC AUC to 0.004; their bootstrap takes half a minute.
MAX_TRAINING_ROWS = 2_000_000
MAX_HELDOUT_ROWS = 100_000

MIN_TRAINING_EVENTS = 50  # of each class; fewer than this gives no model
MIN_MEASURED_EVENTS = 30  # of each class; fewer than this gives no figure
BOOTSTRAP_REPLICATES = 200
BOOTSTRAP_SEED = 20190526
INTERVAL = (0.025, 0.975)

# A challenger goes to production unless it is worse than the champion by more than one of these, on the same rows.
PROMOTION_MARGINS = {"roc_auc": 0.005, "log_loss": 0.005}
