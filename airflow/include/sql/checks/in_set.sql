{column} not in ({values})
