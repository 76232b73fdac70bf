-- Keys of a few rows that break one rule.
select {key}
from {table} as checked
where ({scope}) and ({broken})
order by {key}
limit {limit}
