"""Where rows and model versions are kept: PostgreSQL and the MLflow registry."""
