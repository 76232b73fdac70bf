"""Snapshot dates: the range that the data cover, the features, labels, and the direction of the churn flag."""
