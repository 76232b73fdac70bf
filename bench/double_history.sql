-- Every payment before the 90 days of snapshot 2019-05-26 twice, in the order and with the indexes of a load.
set session_replication_role = replica; -- the customers stay the same
create table bench.payments as
select payments.*
from raw.payments
cross join lateral generate_series(1, case when fecha < date '2019-05-26' - 90 then 2 else 1 end);
truncate raw.payments;
insert into raw.payments select * from bench.payments order by fecha;
drop table bench.payments;
reindex table raw.payments;
vacuum analyze raw.payments;
