"""The form that shows one customer's churn probability."""
