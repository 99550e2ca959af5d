"""One arm, two descriptions: does the table in the manual describe the arm in the URDF?

The Denavit-Hartenberg table is in degrees and millimetres, some of its joints turn the other way,
and their zeros differ. `compare_robots` finds the base, the tool, the offsets and the senses that
relate the two descriptions, so that joint values of one can be sent to the other. Then one number
of the table gets a typing error of 2 mm. Look at the remaining errors in both cases.

    python examples/compare_descriptions.py
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm


def table(elbow_mm: float) -> fkarm.Robot:
    """A UR5e as (a, alpha, d, theta) rows."""
    return fkarm.Robot.from_dh(
        [
            (0, 90, 162.5, 0),
            (-425, 0, 0, 90),
            (elbow_mm, 0, 0, 0),
            (0, 90, 133.3, 90),
            (0, -90, 99.7, 0),
            (0, 0, 99.6, 0),
        ],
        angle_unit="deg",
        length_unit="mm",
        senses=[1, -1, -1, -1, 1, 1],
        name="table",
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--steps", type=int, default=1000, help="number of configurations at which to compare"
    )
    options = parser.parse_args(arguments)

    urdf, dh = fkarm.robots.ur5e(), table(elbow_mm=-392.2)
    print(f"{urdf}\n\n{urdf.report()}\n")
    comparison = fkarm.compare_robots(urdf, dh, samples=options.steps)
    print(comparison)

    q = fkarm.sample_configurations(urdf, 1, seed=1)[0]
    tip = fkarm.forward_kinematics(urdf, q, "tool0").numpy()
    q_dh = comparison.senses * q + comparison.offsets
    flange = fkarm.forward_kinematics(dh, q_dh, "flange").numpy()
    gap = np.abs(comparison.base @ flange @ comparison.tool - tip).max()
    print(f"\none configuration sent from the URDF to the table: the poses differ by {gap:.1e} m")

    wrong = fkarm.compare_robots(urdf, table(elbow_mm=-390.2), samples=options.steps)
    print(f"with 2 mm wrong in the table: {str(wrong).splitlines()[0]}")


if __name__ == "__main__":
    main()
