({columns}) in (
    select {columns}
    from {table} as checked
    where {scope}
    group by {columns}
    having count(*) > 1
)
