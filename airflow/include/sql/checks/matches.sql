{column}::text !~ {pattern}
