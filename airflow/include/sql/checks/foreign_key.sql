num_nulls({columns}) = 0
and not exists (
    select from {references} as parent
    where ({references_columns}) = ({columns})
)
