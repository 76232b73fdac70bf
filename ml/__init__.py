"""Churn pipeline: features, training, promotion and batch scoring of the `churn-logreg` model."""
