"""What people ask about the results: read-only queries, aggregated in SQL, for pages and notebooks."""
