"""One run: every robot, dtype, mode and batch; rows printed as they come, and written."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import product

from benchmarks import report
from benchmarks.backends.trial import backend_module, prepare
from benchmarks.catalogue import CASES, PEERS, TREES
from benchmarks.contestants import ProcessStand, Stand, load
from benchmarks.measure import Contestant, Row, measure
from benchmarks.robots import load_robot, make_task


def check_device(backend: str, device: str) -> str:
    """`"cpu"` or `"gpu"`; ValueError if the device is not there."""
    return backend_module(backend).check_device(device)


def run(options: argparse.Namespace, device: str, command: str) -> None:
    """Measure what the options name, print it, write it."""
    peers = {name: (case, ProcessStand(case.build, case.environment)) for name, case in
             PEERS.items() if name in options.peers}  # fmt: skip
    contestants = own_contestants(options.backend, options.cases) | peers
    device_name = backend_module(options.backend).device_name(device)
    header = report.describe_run(command, options.backend, device, device_name)
    rows = []
    try:
        report.print_header(header)
        for row in measured(options, device, contestants):
            rows.append(row)
            report.print_row(row)
    finally:
        for _, stand in peers.values():
            stand.close()
    if options.json:
        report.write(options.json, header, rows)


def own_contestants(backend: str, names: list[str]) -> dict[str, Contestant]:
    """The backend's cases, in this process."""
    contestants: dict[str, Contestant] = {}
    for name in names:
        case = CASES[backend][name]
        if case.build.startswith("benchmarks.limit"):
            build = load(case.build)
        else:
            build = partial(prepare, backend, case)
        contestants[name] = (case, Stand(build, case.fragile))
    return contestants


def measured(
    options: argparse.Namespace, device: str, contestants: dict[str, Contestant]
) -> Iterator[Row]:
    """Rows, one task after another; all contestants of a task side by side."""
    for name in options.robots:
        robot, links = load_robot(name)
        is_tree = name in TREES
        for dtype, mode, batch in product(options.dtype, options.modes, options.batch):
            if mode == "jacobian" and is_tree:
                continue  # of one link only
            taking_part = {
                key: (case, stand)
                for key, (case, stand) in contestants.items()
                if mode in case.modes and batch <= case.largest[is_tree]
            }
            task = make_task(robot, links, mode, batch, dtype, device)
            place = {"robot": name, "links": len(task.link_names), "dtype": dtype, "mode": mode}
            for case_name, row in measure(taking_part, task, options.seconds):
                yield {"case": case_name, **place, "batch": batch, **row}
