"""What a challenger must show to go into production. No part of a version: a change here makes no new one."""

# By how much a challenger may be worse than the reference on the same held-out rows: the upper end of the interval of
# each loss must be within its limit. docs/model.md says what the limits mean, and what they were seen to let through.
LIMITS = {
    "log_loss": 0.005,  # nats a row by which it is higher
    "roc_auc": 0.005,  # by which it is lower
    "calibration": 0.015,  # by which the mean score is farther from the share of churners
    "share_flagged": 0.1,  # by which the share of customers at or above the own threshold differs, up or down
}
INTERVAL = (0.025, 0.975)  # quantiles of the bootstrap replicates
REPLICATES = 400
