copy ops.churn_scoring (customer_id, snapshot_date, score, prediction, model_version, scored_at)
from stdin (format binary)
