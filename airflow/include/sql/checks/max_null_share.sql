{column} is null
