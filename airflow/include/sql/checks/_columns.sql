-- One row per column of a table.
select attribute.attname
from pg_attribute as attribute
inner join pg_class as class on attribute.attrelid = class.oid
inner join pg_namespace as namespace on class.relnamespace = namespace.oid
where namespace.nspname = {schema}
    and class.relname = {table}
    and attribute.attnum > 0
    and not attribute.attisdropped
order by attribute.attnum
