"""The CSV files: their columns in order, the valid values of each kind of field, and the meaning of every column."""

from typing import NamedTuple

# DuckDB SQL that parses a field's text; NULL for invalid values. Some extractions write whole numbers as 3.0, for which
# the slow expression is needed.
WHOLE = (
    "case when try_cast({field} as bigint)::text = {field} then try_cast({field} as bigint)"
    r" else try_cast(regexp_extract({field}, '^\s*([+-]?[0-9]+)(\.0+)?\s*$', 1) as bigint) end"
)
# DuckDB takes 1_000, PostgreSQL does not.
NUMBER = "case when not contains({field}, '_') then try_cast({field} as double) end"


class Kind(NamedTuple):
    """The valid values of a column; `rule` is SQL for both engines and also the check constraint of the table."""

    type: str
    expected: str
    value: str = "{field}"
    rule: str = ""
    modifier: str = ""


_ID = "is not an id (expected a whole number from 1 to 2^63 - 1)"
_DAY = "is not a date (expected YYYY-MM-DD)"
KINDS = {
    "event_day": Kind("date", _DAY, modifier="not null"),
    "day": Kind("date", _DAY),
    "key": Kind("bigint", _ID, WHOLE, "{value} > 0", "primary key"),
    "owner": Kind("bigint", _ID, WHOLE, "{value} > 0", "not null"),
    "id": Kind("bigint", _ID, WHOLE, "{value} > 0"),
    "money": Kind(
        "numeric", "is not an amount (expected a number of 0 or more)", NUMBER, "{value} >= 0 and {value} < 1e15"
    ),
    "month_days": Kind(
        "smallint", "is not a number of days in a month (expected 0 to 31)", WHOLE, "{value} between 0 and 31"
    ),
    "count": Kind(
        "integer", "is not a count (expected a whole number of 0 or more)", WHOLE, "{value} between 0 and 2147483647"
    ),
    "flag": Kind("smallint", "is not a flag (expected 0 or 1)", WHOLE, "{value} in (0, 1)", "not null"),
    "text": Kind("text", "is longer than 1000 bytes", rule="octet_length({value}) <= 1000"),
    "any_whole": Kind("bigint", "is not a whole number of 64 bits", WHOLE),
    "any_number": Kind("numeric", "is not a number", NUMBER, "{value} > '-Infinity' and {value} < 'Infinity'"),
}


class Column(NamedTuple):
    """One column of a file; the table's column has the header's name in lower case."""

    header: str
    kind: str
    description: str

    @property
    def name(self) -> str:
        """Name in the table."""
        return self.header.lower()


class RawFile(NamedTuple):
    """One CSV file: the table that holds its rows, its path below CSV_DIR, and the order of its rows on disk."""

    table: str
    file_name: str
    grain: str
    columns: tuple[Column, ...]
    sorted_by: str | None = "cus_cust_id_buy"

    @property
    def key(self) -> Column | None:
        """The column that no two rows share."""
        return next((column for column in self.columns if column.kind == "key"), None)

    @property
    def days(self) -> list[Column]:
        """The columns that hold dates."""
        return [column for column in self.columns if KINDS[column.kind].type == "date"]


PAYMENTS = RawFile(
    "raw.payments",
    "PAYMENTS.csv",
    "One row per payment of a customer (no key).",
    (
        Column("FECHA", "event_day", "Day of the payment."),
        Column("CUS_CUST_ID_SEL", "id", "Seller who was paid."),
        Column("CUS_CUST_ID_BUY", "owner", "Customer who paid."),
        Column("SPENT", "money", "Amount paid, Argentine pesos."),
        Column("TPV_SEGMENT_DETAIL", "text", "What was paid for, e.g. Cellphone Recharge, Transport, Instore."),
        Column("DESCUENTO", "money", "Discount granted on the payment, Argentine pesos."),
    ),
    sorted_by="fecha",
)
ACTIVE_USER = RawFile(
    "raw.active_user",
    "ACTIVE_USER.csv",
    "One row per customer: visits in the last three months.",
    (
        Column("CUS_CUST_ID_BUY", "key", "Customer."),
        Column("MAU_MP_3", "month_days", "Days with a visit to the MercadoPago app in month -3."),
        Column("MAU_ML_3", "month_days", "Days with a visit to the MercadoLibre app in month -3."),
        Column("MAU_MP_2", "month_days", "Days with a visit to the MercadoPago app in month -2."),
        Column("MAU_ML_2", "month_days", "Days with a visit to the MercadoLibre app in month -2."),
        Column("MAU_MP_1", "month_days", "Days with a visit to the MercadoPago app in month -1, the extraction month."),
        Column("MAU_ML_1", "month_days", "Days with a visit to the MercadoLibre app in month -1."),
        Column("last_login_mp_date_1", "day", "Last visit to the MercadoPago app in month -1."),
        Column("last_login_ml_date_1", "day", "Last visit to the MercadoLibre app in month -1."),
    ),
)
CRYPTO = RawFile(
    "raw.bt_crypto_transaction_history",
    "sample_data/crypto_transaction_history.csv",
    "One row per arrival of a crypto purchase, as the operational system wrote it: duplicates and dirt included.",
    (
        Column("site_id", "text", "Site of the purchase, e.g. ARGENTINA; blanks and mixed case occur."),
        Column("user_id", "any_whole", "Customer who bought."),
        Column("purchase_date", "text", "Day of the purchase as text, D/M/YYYY; impossible dates occur."),
        Column("crypto_type", "text", "Coin, e.g. BTC; blanks and mixed case occur."),
        Column("purchase_price", "any_number", "Price of one unit, US dollars."),
        Column("purchase_units", "any_number", "Units bought."),
    ),
    sorted_by=None,
)
FILES = (
    ACTIVE_USER,
    RawFile(
        "raw.demograficos",
        "DEMOGRAFICOS.csv",
        "One row per customer whose demographics are known.",
        (
            Column("CITY", "text", "City, free text."),
            Column("CUS_CUST_ID_BUY", "key", "Customer."),
            Column("GENDER", "text", "male, female or Unknown."),
            Column("RANGO_EDAD", "text", "Age range, numbered; 00. Sin Dato where it is not known."),
            Column("TARJETAS", "text", "Usual means of payment, e.g. Credit Card, Account Money."),
            Column("ESTADO", "text", "Province."),
        ),
    ),
    RawFile(
        "raw.dinero_cuenta",
        "DINERO_CUENTA.csv",
        "One row per customer with a wallet account.",
        (
            Column("CUS_CUST_ID_BUY", "key", "Customer; written as a float in the file (54018.0)."),
            Column("PLATA_CUENTA_1", "money", "Highest balance in month -1, the extraction month, Argentine pesos."),
            Column("PLATA_CUENTA_2", "money", "Highest balance in month -2, Argentine pesos."),
            Column("INVERSION", "text", "State of the investment account; only investing: the customer invests."),
        ),
    ),
    RawFile(
        "raw.evaluate",
        "EVALUATE.csv",
        "One row per customer: whether they paid again in the two months after the last payment date.",
        (
            Column("CUS_CUST_ID_BUY", "key", "Customer."),
            Column("churn", "flag", "1 or 0; EVALUATE_CHURN_MEANS says what 1 is: in the sample, who stayed away."),
        ),
    ),
    RawFile(
        "raw.marketplace_data",
        "MARKETPLACE_DATA.csv",
        "One row per customer of the marketplace.",
        (
            Column("CUS_CUST_ID_BUY", "key", "Customer."),
            Column("SPENT_ML", "money", "Amount spent in the marketplace, Argentine pesos."),
            Column("RECENCY_ML", "day", "Day of the last marketplace purchase."),
            Column("FREQUENCY_ML", "count", "Days with a marketplace purchase."),
        ),
    ),
    PAYMENTS,
    CRYPTO,
)
