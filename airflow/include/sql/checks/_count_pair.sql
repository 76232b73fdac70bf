count(*) filter (where {scope}), count(*) filter (where ({scope}) and ({broken}))
