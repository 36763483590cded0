"""What a session file claims is refused in one line where no run could have written it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ibtui_engine.errors import SessionError
from ibtui_engine.session.history import SessionReader
from ibtui_engine.session.summary import read_summary

RECORDED = Path(__file__).parent / "data" / "version-2.ibs"
CLAIMS = {
    "UPDATE rule SET h_x = -1": r"its H\(X\) is -1; allowed is 0 to ",
    "UPDATE rule SET h_x = 1e308": r"its H\(X\) is 1e\+308; allowed is 0 to ",
    "UPDATE rule SET i_xy = 2": r"its I\(X;Y\) is 2; allowed is 0 to 1",
    "UPDATE rule SET rows = 9223372036854775807": "9223372036854775807 patterns of .* allowed are at most 200000000",
    "UPDATE rule SET inputs = 2000000": "2000000 inputs; allowed are at most 1000000",
    "UPDATE session SET name = printf('%.*c', 3000000, 'n')": "its name is 'nnn.* allowed is a text of up to 5000",
    "UPDATE session SET experiment = printf('%.*c', 5000000, '1')": "string or blob too big",
    "UPDATE ensemble SET hidden = '9-9' WHERE id = 0": "ensemble 0 has 'hidden' '9-9', which is not in its experiment",
    "UPDATE ensemble SET sample_size = 0": "its samples are 0 of ",
    "UPDATE cohort SET networks = networks + 1": "networks where .* belong|is the next",
    "UPDATE cohort SET first = 1": "has networks from 1 where 0 is the next",
    "UPDATE cohort SET epoch = 90000000": "networks are trained to epoch 90000000",
    "UPDATE snapshot SET epoch = epoch + 80000000": "it measured epoch 8000",
    "UPDATE session SET created = 1e300": r"its time is 1e\+300",
}


@pytest.mark.parametrize("statement", CLAIMS)
def test_a_claim_beyond_the_limits_is_refused_when_the_file_is_opened(tmp_path: Path, statement: str) -> None:
    copy = Path(shutil.copy(RECORDED, tmp_path / "copy.ibs"))
    read_summary(copy)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(SessionError, match=rf"copy\.ibs' is damaged: .*{CLAIMS[statement]}") as refused:
        read_summary(copy)
    assert len(str(refused.value)) < 700
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("change", ["i_x = 1e308", "i_y = -2", "weight_norm = -1", "low = 1e101", "i_x = 9e999"])
def test_a_number_beyond_the_limits_is_refused_when_it_is_read(tmp_path: Path, change: str) -> None:
    copy = Path(shutil.copy(RECORDED, tmp_path / "copy.ibs"))
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute(f"UPDATE layer SET {change}")
    with SessionReader(copy) as reader, pytest.raises(SessionError, match=r"is damaged: layer has the .* allowed is"):
        reader.layers(reader.ensemble(0))
