"""What a snapshot date means: the range the data cover, labels, and the direction of the churn flag."""
