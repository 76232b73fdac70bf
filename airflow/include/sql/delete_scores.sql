delete from ops.churn_scoring where snapshot_date = %(snapshot_date)s
