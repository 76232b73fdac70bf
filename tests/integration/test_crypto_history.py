"""The crypto events against an independent computation, on a random history with every kind of dirt."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.integration.crypto_history import Oracle, etl, events, forget, plant, raw_rows, rejects
from tests.integration.faults import rng

DAYS = 24
FIRST = date(2019, 4, 20)
DIRT = [
    {"site_id": None}, {"site_id": " "}, {"site_id": "CHILE"}, {"site_id": " brasil\t"}, {"site_id": "Mexico"},
    {"user_id": None},
    {"crypto_type": None}, {"crypto_type": ""}, {"crypto_type": "DOGE"}, {"crypto_type": " eth "},
    {"purchase_date": None}, {"purchase_date": ""}, {"purchase_date": "31/2/2019"}, {"purchase_date": "2019-05-01"},
    {"purchase_date": "1-5-2019"}, {"purchase_date": "5/13/2019"}, {"purchase_date": "1/5/19"},
    {"purchase_date": "1/5/2019 10:00"}, {"purchase_date": "0/5/2019"}, {"purchase_date": "1/5/2109"},
    {"purchase_units": None}, {"purchase_units": 0}, {"purchase_units": -1}, {"purchase_units": "0.00000001"},
    {"purchase_price": None}, {"purchase_price": -1}, {"purchase_price": 0}, {"purchase_price": "0.1234"},
]  # fmt: skip


def written(day: date, random: Random) -> str:
    """A day in one of the forms that can be read."""
    form = random.choice(["{0.day}/{0.month}/{0.year}", "{0:%d/%m/%Y}", " {0.day}/{0:%m/%Y} "])
    return form.format(day)


def arrivals(today: date, raw: list[dict], random: Random) -> list[dict]:
    """What arrives on one day: new purchases, some of them dirty, copies, corrections and late ones."""
    rows = []
    for _ in range(random.randint(6, 14)):
        back = random.choice([0, 0, 0, 1, 1, 2, 4, 9])
        rows.append(
            {
                "site_id": random.choice(["ARGENTINA", "BRASIL", "MEXICO"]),
                "user_id": random.randint(1, 5),
                "purchase_date": written(today - timedelta(days=back), random),
                "crypto_type": random.choice(["BTC", "ETH", "USDC"]),
                "purchase_price": random.randint(1, 3),
                "purchase_units": random.choice(["1", "1.0", "2.5", "0.000000000000000001"]),
            }
        )
        if random.random() < 0.35:
            rows[-1].update(random.choice(DIRT))
    for old in random.sample(raw, min(len(raw), 4)):
        rows.append(dict(old))  # a copy, or a purchase that was deleted and is back
        if random.random() < 0.5:
            rows[-1]["purchase_price"] = random.randint(4, 9)
    random.shuffle(rows)
    return rows


def test_events_follow_a_random_history(database):
    random = rng("crypto history")
    oracle = Oracle()
    planted: dict[int, dict] = {}
    for offset in range(DAYS):
        today = FIRST + timedelta(days=offset)
        rows = arrivals(today, list(planted.values())[-60:], random)
        planted.update(zip(plant(database, *rows, loaded_at=f"{today} 12:00+00"), rows, strict=True))
        gone = random.sample(list(planted)[-80:], random.randint(0, 3))
        forget(database, *gone)
        mood = random.random()
        if offset and mood < 0.25:
            continue  # a day missed
        if mood < 0.4:  # a failure between the steps
            etl(database, str(today), step="stage")
            plant(database, {"user_id": 6, "purchase_date": written(today, random)}, loaded_at=f"{today} 13:00+00")
        counts = etl(database, str(today), *(["--full-refresh"] if mood > 0.95 else []), "--force")
        expected = oracle.run(raw_rows(database), today, full=mood > 0.95)
        assert events(database) == oracle.rows(), today
        assert {name: counts[name] for name in expected} == expected, today
        assert set(rejects(database)) == oracle.rejected, today
        with database.connect() as conn:  # as if a day went by: the watermark trails by one
            conn.execute("update ops.crypto_runs set staged_at = staged_at - interval '1 day'")
    assert any(not row[-2] for row in oracle.rows()), "no deactivation in this history"
    assert len(oracle.rejected) > 10


def test_value_is_exact(database):
    plant(database, {"purchase_price": "10800.1234", "purchase_units": "0.000000000000000001"})
    etl(database, "2019-05-20")
    assert events(database)[0][6] == Decimal("10800.1234") * Decimal("0.000000000000000001")
