"""The steps of the crypto ETL; its command is `ml.crypto_events`."""
