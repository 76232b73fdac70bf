-- Names of a table's columns, one a row.
select attname::text
from pg_attribute
where attrelid = %(table_name)s::regclass and attnum > 0 and not attisdropped
