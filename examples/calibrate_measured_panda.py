"""Calibrate a real Franka Panda from joint angles alone: a ball in one of two sockets.

The owners moved the arm by hand while a ball at its flange sat in a socket. Nobody measured where
the sockets are, only that two of them are 50 mm apart. Look at the error at places that were not
fitted to: it falls from 8 mm to a third of a millimetre. The data (MUKCa, MIT licence,
github.com/platonics-delft/kinematics_calibration) are not part of fkarm.

    python examples/calibrate_measured_panda.py --data ../shared/data/mukca/panda_2
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from fkarm import calibration

FITTED = ("front_center", "high", "back_left")
DATA = Path(__file__).parents[2] / "shared" / "data" / "mukca" / "panda_2"


def read(folder: Path) -> dict[str, list[np.ndarray]]:
    """Configurations of both sockets by place."""
    return {
        place.name: [np.loadtxt(place / f"hole_{k}.csv", delimiter=",") for k in (0, 1)]
        for place in sorted(folder.iterdir())
        if place.is_dir()
    }


def error(robot: fkarm.Robot, link: str, groups: list[np.ndarray]) -> np.ndarray:
    """Distances of predictions from the mean of their socket, mm."""
    tips = [np.asarray(fkarm.forward_kinematics(robot, q, link))[:, :3, 3] for q in groups]
    return 1e3 * np.concatenate([np.linalg.norm(p - p.mean(axis=0), axis=1) for p in tips])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with one folder per place")
    parser.add_argument("--steps", type=int, help="ignored: the fit is short")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: nothing to fit. --data names the folder.")
        return
    places, robot = read(options.data), fkarm.robots.panda()
    measurements: list = []
    for place in FITTED:
        for k, q in enumerate(places[place]):
            measurements.append(calibration.SamePoint(f"{place} {k}", q))
        measurements.append(calibration.Distance(f"{place} 0", f"{place} 1", 0.05))
    parameters = calibration.parameters(robot, origins=True, point=True)
    fit = fkarm.calibrate(
        robot, measurements, link="panda_hand", parameters=parameters, loss="huber"
    )
    ball = calibration.parameters(robot, point=True)
    nominal = fkarm.calibrate(robot, measurements, link="panda_hand", parameters=ball)
    print(fit)
    print("\nplaces that were not fitted to, mean error in mm: nominal geometry, fitted geometry")
    others = [place for place in places if place not in FITTED]
    for place in others:
        before, after = (
            error(each.robot, each.point_link, places[place]).mean() for each in (nominal, fit)
        )
        print(f"{place:<14}{before:>8.2f}{after:>8.2f}")
    rows = [error(fit.robot, fit.point_link, places[place]) for place in others]
    print(f"{'all rows':<14}{'':>8}{np.concatenate(rows).mean():>8.3f}")


if __name__ == "__main__":
    main()
