"""The same features and scores on a Spark cluster. Imported only with ENGINE=spark: PySpark is optional."""
