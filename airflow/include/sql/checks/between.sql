{column} < {min} or {column} <= {above} or {column} > {max} or {column} >= {below}
