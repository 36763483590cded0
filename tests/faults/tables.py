"""Tables changed at random, through the reader of tables: a rule or one clear line, and nothing else.

Each mutation follows from the seed and its number: `python -m tests.faults tables --seed S --only N` does it again.
"""

from __future__ import annotations

import gzip
import io
import os
import random
import resource
import signal
import tempfile
import time
import traceback
import warnings
import zipfile
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from tests.faults.mutations import MEMORY, PATIENCE, TooLong, alarm, tried
from tests.faults.table import Row

TOKENS = (
    b",", b";", b"\t", b"\n", b"\r", b'"', b"'", b"#", b"%", b"{", b"}", b"@data\n", b"nan", b"inf", b"-", b"1e999",
    b"1e-999", b"9" * 400, b"1,5", b"1.234.567", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"NA", b"?", b"y", b"label",
    b"x" * 5000, b"0,1\n" * 3000, b"\xc3\x28", b"\x1b[2J", b"1\n\n\n", b" ", b"-0", b"18446744073709551616", b"True",
    b"#N/A", b"\n0,0,0,0,0,0,0,0,0\n",
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 255, 256, 65535, 2**16, 2**20, 2**24, 2**28, 2**31 - 1, 2**31, 2**32 - 1)


def tables(count: int = 5_000, seed: int = 1, only: int | None = None) -> Row:
    """Change tables in random ways and read each."""
    row = Row(
        "mutated tables: .csv in several dialects, .csv.gz, .npz, .npy, .mat of all versions, .parquet, .arff, with "
        "weights and with p(x,y); bits, bytes, cuts, sizes, words, also inside what is compressed; alone, with rows "
        "held out, and as the first or the second of two files",
        "a rule, or one line that names the file; no other exception, no warning, no 5 s, no 1 GB",
    )
    with tempfile.TemporaryDirectory() as room:
        make_tables(Path(room))
        numbers = [only] if only is not None else range(count)
        answers, refusals, slowest = tried(row, Path(room), seed, numbers, read_tables)
    row.figures = f"seed {seed}: {answers} rules, {refusals} refusals in one line; the slowest took {slowest:.1f} s"
    return row


def make_tables(room: Path) -> None:
    """One small table in every format and several dialects."""
    import h5py
    import pandas
    from scipy.io import savemat
    from scipy.sparse import csc_array

    chance = np.random.default_rng(0)
    x = np.round(chance.normal(size=(40, 4)), 3)
    y = chance.integers(0, 3, 40)
    frame = pandas.DataFrame(x, columns=list("abcd")).assign(y=y)
    words = frame.assign(y=np.array(["red", "green", "blue"])[y])
    frame.to_csv(room / "plain.csv", index=False)
    frame.to_csv(room / "bare.csv", index=False, header=False)
    words.to_csv(room / "german.csv", sep=";", decimal=",", encoding="utf-16")
    words.to_csv(room / "tabs.tsv", sep="\t", quoting=1, lineterminator="\r\n")
    frame.to_csv(room / "blanks.txt", sep=" ", index=False)
    frame.to_csv(room / "packed.csv.gz", index=False)
    np.savez(room / "plain.npz", X=x, y=y)
    np.savez_compressed(room / "packed.npz", patterns=x.astype(np.float32), p_y=chance.random(40))
    np.save(room / "matrix.npy", np.column_stack([x, y]))
    np.save(room / "records.npy", words.to_records(index=False, column_dtypes={"y": "U5"}))
    savemat(room / "four.mat", {"X": x, "y": y.astype(float)}, format="4")
    savemat(room / "five.mat", {"X": x, "y": y, "more": {"deep": [1, 2]}})
    savemat(
        room / "packed.mat", {"F": csc_array(np.where(x > 0, x, 0)), "y": words["y"].to_numpy()}, do_compression=True
    )
    with h5py.File(room / "new.mat", "w", userblock_size=512) as file:
        for name, values in (("X", x), ("y", y[:, None])):
            file.create_dataset(name, data=values.T, chunks=True, compression="gzip")
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    words.to_parquet(room / "snappy.parquet")
    frame.to_parquet(room / "gzip.parquet", compression="gzip", index=False)
    weighted = frame.assign(weight=chance.integers(0, 9, 40))
    weighted.to_csv(room / "weighted.csv", index=False)
    np.savez(room / "weighted.npz", X=x, y=y, weight=weighted["weight"])
    joint = chance.random((12, 3))
    np.savez_compressed(room / "joint.npz", p_xy=joint)
    np.save(room / "joint.npy", joint / joint.sum())
    savemat(room / "joint.mat", {"p_xy": joint[:, :2], "X": x[:12]})
    head = (
        "@relation r\n" + "".join(f"@attribute {name} numeric\n" for name in "abcd") + "@attribute y {red,green,blue}\n"
    )
    (room / "dense.arff").write_text(f"{head}@data\n{words.to_csv(index=False, header=False)}")
    rows = "".join(f"{{0 {a}, 2 {c}, 4 {word}}}\n" for a, c, word in zip(x[:, 0], x[:, 2], words["y"], strict=True))
    (room / "sparse.arff").write_text(f"{head}@data\n{rows}")


def mutate(room: Path, chance: random.Random) -> tuple[str, bytes, str]:
    """The name of a table, its changed content, and what was done."""
    original = chance.choice(sorted(path for path in room.iterdir() if path.is_file()))
    content = original.read_bytes()
    if original.suffix == ".gz" and chance.random() < 0.5:
        changed, told = _changed(gzip.decompress(content), chance)
        return original.name, gzip.compress(changed), f"inside: {told}"
    if original.suffix == ".npz" and chance.random() < 0.5:
        return (original.name, *_changed_inside(content, chance))
    return (original.name, *_changed(content, chance))


def _changed_inside(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    file, told = io.BytesIO(), []
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            member, what = _changed(before.read(name), chance) if chance.random() < 0.7 else (before.read(name), "")
            after.writestr(name, member)
            told.append(f"{name}: {what}")
    return file.getvalue(), "; ".join(told)


def _changed(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    changed, told = bytearray(content), []
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(changed) + 1)
        if chance.random() < 0.4:  # where sizes and names are
            at = min(at, chance.randrange(300))
        match chance.choice(("bit", "byte", "number", "token", "token", "cut", "drop", "double", "line")):
            case "bit" if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case "byte" if at < len(changed):
                changed[at] = chance.randrange(256)
            case "number":
                wide = chance.choice((2, 4, 8))
                number = chance.choice(NUMBERS) % 256**wide
                changed[at : at + wide] = number.to_bytes(wide, chance.choice(("little", "big")))
            case "token":
                token = chance.choice(TOKENS)
                changed[at : at + chance.choice((0, 0, 1, len(token)))] = token
            case "cut":
                del changed[at:]
            case "drop":
                del changed[at : at + chance.choice((1, 2, 8, 100))]
            case "double":
                changed[at:at] = changed[at : at + chance.choice((1, 8, 200))]
            case _:
                lines = changed.split(b"\n")
                place = chance.randrange(len(lines))
                lines[place] = chance.choice((b"", lines[place][: len(lines[place]) // 2], lines[place] * 2, lines[0]))
                changed = bytearray(b"\n".join(lines))
        told.append(str(at))
    return bytes(changed), f"at {', '.join(told)}"


def read_tables(room: Path, seed: int, numbers: list[int], answer: Connection) -> None:
    """Read each of the numbers' tables, and tell what came of it."""
    from ibtui_engine.errors import InvalidValue
    from ibtui_engine.rules.table import load_table
    from ibtui_engine.rules.tables.options import Reading

    signal.signal(signal.SIGALRM, alarm)
    place = room / f"work-{os.getpid()}"
    place.mkdir()
    for original in sorted(path for path in room.iterdir() if path.is_file()):  # imports count for nothing
        load_table(original)
        answer.send(None)
    warnings.simplefilter("error")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for number in numbers:
        chance = random.Random(f"{seed}-{number}")
        name, content, told = mutate(room, chance)
        path = place / name
        first, reading = chance.choice((
            (path, Reading()), (path, Reading()), (path, Reading(test_fraction=0.3)),
            (path, Reading(test=str(room / name))), (room / name, Reading(test=str(path))),
        ))  # fmt: skip
        path.write_bytes(content)
        failures: list[str] = []
        answered = refused = 0
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            rule = load_table(first, reading=reading)
            answered = 1
            report = rule.report
            if report is None or not (0 <= rule.i_xy <= rule.h_x + 1e-9 and np.isfinite(rule.patterns).all()):
                failures.append(f"{number} {name} ({told}): {rule.i_xy} bits of {rule.h_x}")
            elif len({row.tobytes() for row in rule.patterns}) != report.distinct:
                failures.append(f"{number} {name} ({told}): patterns have merged")
            elif (rule.held_out is None) != (reading == Reading()):
                failures.append(f"{number} {name} ({told}): {rule.held_out} held out")
            elif rule.held_out is not None and not np.isfinite([rule.held_out.h_x, *rule.held_out.patterns[0]]).all():
                failures.append(f"{number} {name} ({told}): held out {rule.held_out.patterns[0]}")
        except InvalidValue as error:
            refused = 1
            said = str(error)
            named = any(said.startswith(f"table {str(one)!r} ") for one in (path, first, reading.test))
            if "\n" in said or not named or "memory" in said:
                failures.append(f"{number} {name} ({told}): {said[:300]!r}")
        except TooLong:
            failures.append(f"{number} {name} ({told}): took more than {PATIENCE:.0f} s")
        except BaseException:
            lines = traceback.format_exc().splitlines()
            failures.append(f"{number} {name} ({told}): {' / '.join(line.strip() for line in lines[-5:])}")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        path.unlink()
        answer.send((number, failures, answered, refused, time.monotonic() - began))
    answer.close()
