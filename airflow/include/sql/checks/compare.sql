not ({column} {op} {right})
