"""staging.customers stays right whatever happens to raw.payments."""

import random
import threading

import pytest

from tests.integration.conftest import Database
from tests.integration.faults import wait_until

EXPECTED = "select cus_cust_id_buy, min(fecha) from raw.payments group by 1 order by 1"
FOUND = "select customer_id, first_payment_date from staging.customers order by 1"
INSERT = (
    "insert into raw.payments (fecha, cus_cust_id_buy) values ('2019-02-01', 1), ('2019-01-05', 1), ('2019-03-01', 2)"
)

CHANGES = {
    "insert": [],
    "earlier payment": ["insert into raw.payments (fecha, cus_cust_id_buy) values ('2018-12-01', 1)"],
    "later payment": ["insert into raw.payments (fecha, cus_cust_id_buy) values ('2019-12-01', 1)"],
    "delete the first": ["delete from raw.payments where fecha = '2019-01-05'"],
    "delete the last": ["delete from raw.payments where fecha = '2019-02-01'"],
    "delete a customer": ["delete from raw.payments where cus_cust_id_buy = 1"],
    "delete nothing": ["delete from raw.payments where false"],
    "delete all": ["delete from raw.payments"],
    "move a date": ["update raw.payments set fecha = fecha - 100 where fecha = '2019-02-01'"],
    "move the first date": ["update raw.payments set fecha = '2019-12-01' where fecha = '2019-01-05'"],
    "change the customer": ["update raw.payments set cus_cust_id_buy = 3 where cus_cust_id_buy = 2"],
    "swap customers": ["update raw.payments set cus_cust_id_buy = 3 - cus_cust_id_buy"],
    "truncate": ["truncate raw.payments"],
    "truncate and insert": ["truncate raw.payments", INSERT],
    "all in one statement": [
        "with gone as (delete from raw.payments where cus_cust_id_buy = 2)"
        " insert into raw.payments (fecha, cus_cust_id_buy) values ('2019-04-01', 4)"
    ],
}


@pytest.fixture
def payments(database: Database) -> Database:
    with database.connect() as conn:
        conn.execute(INSERT)
    return database


@pytest.mark.parametrize("name", CHANGES)
def test_after_a_change(payments: Database, name: str) -> None:
    with payments.connect() as conn:
        for statement in CHANGES[name]:
            conn.execute(statement)
    assert payments.rows(FOUND) == payments.rows(EXPECTED)


def test_rolled_back_change_leaves_no_trace(payments: Database) -> None:
    before = payments.rows(FOUND)
    with payments.connect() as conn:
        conn.execute("begin; delete from raw.payments; rollback")
    assert payments.rows(FOUND) == before


def test_a_payment_that_a_deleting_writer_cannot_see(payments: Database) -> None:
    with payments.connect() as inserting, payments.connect() as deleting:
        inserting.execute("begin; insert into raw.payments (fecha, cus_cust_id_buy) values ('2019-04-01', 2)")
        statement = "delete from raw.payments where cus_cust_id_buy = 2 and fecha < '2019-04-01'"
        thread = threading.Thread(target=deleting.execute, args=(statement,))
        thread.start()
        waits = "select from pg_locks where pid = %s and not granted"
        wait_until(lambda: inserting.execute(waits, (deleting.info.backend_pid,)).rowcount, "the delete to wait")
        inserting.execute("commit")
        thread.join()
    assert payments.rows(FOUND) == payments.rows(EXPECTED)


WRITES = [
    "insert into raw.payments (fecha, cus_cust_id_buy) values (%(day)s, %(customer)s)",
    "delete from raw.payments where cus_cust_id_buy = %(customer)s",
    "delete from raw.payments where ctid = (select min(ctid) from raw.payments)",
]


def test_writers_at_once(payments: Database) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")

    def write(number: int) -> None:
        source = random.Random(seed + number)
        with payments.connect() as conn:
            for _ in range(60):
                values = {"customer": source.randrange(1, 6), "day": f"2019-01-{source.randrange(1, 29):02}"}
                conn.execute(source.choice(WRITES), values)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert payments.rows(FOUND) == payments.rows(EXPECTED)
