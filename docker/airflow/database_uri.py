"""Print the address of Airflow's own database; the password may hold any character."""

import os
from urllib.parse import quote

password = quote(os.environ["AIRFLOW_DB_PASSWORD"], safe="")
host, database = os.environ["POSTGRES_HOST"], os.environ["AIRFLOW_DB"]
print(f"postgresql+psycopg2://{os.environ['AIRFLOW_DB_USER']}:{password}@{host}:5432/{database}", end="")
