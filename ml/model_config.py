"""Constants of the model. Changing a value here makes a new version."""

from ml.snapshots import catalogue

MODEL_NAME = "churn-logreg"
PRODUCTION_ALIAS = "production"  # what consumers read
PRODUCTION_STAGE = "Production"  # follows the alias, for consumers that use stages

# Columns that a model may use, by their kind in the catalogue.
NUMERIC_FEATURES = catalogue.names("heavy-tailed", "saturating", "reached", "plain")
CATEGORICAL_FEATURES = catalogue.names("categorical")

ACTIVE_DAYS = catalogue.CHURN_DAYS  # the active cohort, trained on and scored: days_since_activity below this
TRAINED_LABEL_SOURCES = ("observed", "evaluate")

REGULARISATION_CANDIDATES = (0.01, 0.1, 1.0)  # C, of which cross-validation chooses one
SOLVER = "newton-cholesky"
MAX_ITERATIONS = 100
MIN_CATEGORY_SHARE = 0.002  # rarer categories have no coefficient of their own
FOLDS = 5

CUSTOMER_BUCKETS = 1000
HELDOUT_BUCKETS = 200  # customers in buckets 0..199 are never trained on, by any version
# If there are more rows, a sample of customers is used: 2 million rows determine the coefficients to three
# digits; 100,000 determine the ROC AUC to 0.004, and their bootstrap, slices included, takes 15 s.
MAX_TRAINING_ROWS = 2_000_000
MAX_HELDOUT_ROWS = 100_000

MIN_TRAINING_EVENTS = 50  # of each class; with fewer, no model is trained
MIN_MEASURED_EVENTS = 30  # of each class; with fewer, nothing is measured
BOOTSTRAP_REPLICATES = 200
BOOTSTRAP_SEED = 20190526
INTERVAL = (0.025, 0.975)
