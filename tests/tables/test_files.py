"""CSV, Parquet and NPY files that people have, and those that are no tables."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import fkarm
from fkarm.tables import forward_table
from fkarm.tables.chunks import chunks_of
from fkarm.tables.files import open_table

HEADER = "joint_1,joint_2\n"


@pytest.fixture
def planar():
    return fkarm.robots.planar([1.0, 0.5])


def refused(planar, tmp_path, name, said):
    with pytest.raises(fkarm.TableError, match=said):
        forward_table(planar, tmp_path / name, tmp_path / "p.csv")


def test_a_csv_file_as_people_write_them(planar, tmp_path):
    text = '\ufeffpart, joint_2 ,"joint_1"\n007,1, 0\n"a,b",,0.5\n\nNA,1e-3,-2\n'
    (tmp_path / "q.csv").write_text(text, encoding="utf-8")
    forward_table(planar, tmp_path / "q.csv", tmp_path / "p.csv", keep=["part"])
    found = pd.read_csv(tmp_path / "p.csv", dtype=str, keep_default_na=False)
    assert list(found["part"]) == ["007", "a,b", "NA"]
    q = np.array([[0, 1], [-2, 1e-3]])
    x = np.cos(q[:, 0]) + 0.5 * np.cos(q.sum(axis=1))
    assert found["x"][1] == ""
    assert np.allclose(found["x"][[0, 2]].astype(float), x, atol=1e-15)


def test_a_number_far_down_does_not_change_the_type_of_a_column(planar, tmp_path):
    rows = 300_000  # more than one block of the reader
    text = HEADER.replace("\n", ",part\n") + "0,0,1\n" * rows + "0.5,0,A1\n"
    (tmp_path / "q.csv").write_text(text)
    table = open_table(tmp_path / "q.csv", tuple)
    chunks = list(chunks_of(table, ["joint_2", "joint_1"], ["part"], 100_000))
    assert [len(chunk.numbers) for chunk in chunks] == [100_000] * 3 + [1]
    assert chunks[-1].numbers.tolist() == [[0.0, 0.5]]
    assert chunks[-1].kept["part"].to_pylist() == ["A1"]
    assert table.rows == rows + 2


def test_parquet_columns_of_every_type_of_number(planar, tmp_path):
    columns = {
        "joint_1": pa.array([1, None, 3], pa.int8()),
        "joint_2": pa.array(["0.25", None, "1"]).cast(pa.decimal128(5, 2)),
        "when": pa.array([1, 2, None], pa.timestamp("ms")),
    }
    pa.parquet.write_table(pa.table(columns), tmp_path / "q.parquet")
    summary = forward_table(planar, tmp_path / "q.parquet", tmp_path / "p.parquet", keep=["when"])
    assert summary.reasons == {"COMPUTED": 2, "NAN": 1}
    assert pa.parquet.read_table(tmp_path / "p.parquet")["when"].type == pa.timestamp("ms")
    for name in ("float32", "int64"):
        np.save(tmp_path / "q.npy", np.ones((3, 2), name))
        forward_table(planar, tmp_path / "q.npy", tmp_path / f"{name}.npy")


def test_files_that_are_no_tables_are_refused(planar, tmp_path):
    for name, text, said in (
        ("empty.csv", "", "empty.csv must be a .csv file. Received: Empty CSV file"),
        ("text.csv", HEADER + "1,abc\n", "text.csv must be .* invalid value 'abc'"),
        ("short.csv", HEADER + "1,2\n3\n", "short.csv must be .* Expected 2 columns, got 1"),
        ("twice.csv", "joint_1,joint_1,joint_2\n1,1,1\n", "column once. Received: 'joint_1' twice"),
        ("semicolon.csv", "joint_1;joint_2\n1;2\n", "Received: 'joint_1'. Did you mean 'joint_1;"),
        ("text.parquet", "text", "text.parquet must be a .parquet file. Received: "),
        ("text.npy", "text", "text.npy must be a .npy file. Received: "),
        ("q.xlsx", "text", "ends in .csv, .parquet, .npy. Received: '.*q.xlsx'"),
    ):
        (tmp_path / name).write_text(text)
        refused(planar, tmp_path, name, said)
    pd.DataFrame({"joint_1": ["1"], "joint_2": ["2"]}).to_parquet(tmp_path / "text.parquet")
    refused(
        planar, tmp_path, "text.parquet", "'joint_1' of .* numbers. Received: the type .*string"
    )
    np.save(tmp_path / "c.npy", np.ones((3, 2), complex))
    refused(planar, tmp_path, "c.npy", "must hold real numbers. Received: the type complex128")
    np.save(tmp_path / "c.npy", np.float64(1))
    refused(planar, tmp_path, "c.npy", r"one row per entry of its first axis. Received: shape \(\)")
    with pytest.raises(FileNotFoundError):
        forward_table(planar, tmp_path / "none.csv", tmp_path / "p.csv")
    (tmp_path / "q.csv").write_text(HEADER)
    with pytest.raises(
        fkarm.TableError, match=r"ends in .csv, .parquet, .npy. Received: '.*p.txt'"
    ):
        forward_table(planar, tmp_path / "q.csv", tmp_path / "p.txt")
    assert not list(tmp_path.glob("p.*"))


@pytest.mark.in_test_all("process")
def test_without_pyarrow_the_message_says_what_to_install():
    code = "import sys; sys.modules['pyarrow'] = None; import fkarm.tables"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Install it: pip install pyarrow (the extra 'tables' of fkarm)." in run.stderr
