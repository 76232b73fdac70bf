-- One row: rows checked, then for each rule the rows it speaks of and those that break it. One pass for all rules.
select count(*), {counts}
from {table} as checked
where {scope}
