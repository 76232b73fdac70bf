"""What every command of the pipeline says, and how it ends."""

import os
import subprocess
import sys


def test_server_that_does_not_answer_is_one_line_and_worth_a_retry():
    done = subprocess.run(
        [sys.executable, "-m", "ml.features", "--snapshot-date", "2019-05-26"],
        env={**os.environ, "POSTGRES_HOST": "127.0.0.1", "POSTGRES_PORT": "9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 75
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()  # Airflow shows the last line of a command alone
    assert line.startswith("error: PostgreSQL: connection failed")
    assert "port 9" in line
