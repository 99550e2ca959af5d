"""What the tests of paths share."""

import numpy as np
import pytest

import fkarm


@pytest.fixture(scope="session")
def rail():
    """One prismatic axis: its path is that of its target."""
    joint = fkarm.Joint("rail", "prismatic", axis="x", lower=-1.0, upper=1.0)
    return fkarm.Robot.from_joints([joint], name="rail")


@pytest.fixture(scope="session")
def walker():
    """A floating body with two legs of two joints and an arm."""
    joints = [fkarm.Joint("base", "floating", parent="world", child="body")]
    for side, y in (("left", 0.1), ("right", -0.1)):
        joints += [
            fkarm.Joint(
                f"{side}_hip", axis="y", xyz=(0, y, 0), lower=-1.5, upper=1.5, velocity=4.0,
                parent="body", child=f"{side}_thigh",
            ),
            fkarm.Joint(
                f"{side}_knee", axis="y", xyz=(0, 0, -0.4), lower=0.0, upper=2.5, velocity=4.0,
                parent=f"{side}_thigh", child=f"{side}_shank",
            ),
            fkarm.Joint(
                f"{side}_sole", "fixed", xyz=(0, 0, -0.4),
                parent=f"{side}_shank", child=f"{side}_foot",
            ),
        ]  # fmt: skip
    joints.append(
        fkarm.Joint(
            "arm", axis="x", xyz=(0, 0, 0.4), lower=-2, upper=2, parent="body", child="hand"
        )
    )
    masses = [fkarm.Mass(link, 2.0, (0, 0, -0.1)) for link in ("body", "left_thigh", "hand")]
    return fkarm.Robot(tuple(joints), name="walker", masses=tuple(masses))


@pytest.fixture(scope="session")
def walk(walker):
    """Times, and a smooth path of the walker that its targets can be taken from."""
    times = np.linspace(0.0, 1.5, 46)
    q = np.zeros((len(times), walker.dof))
    q[:, 0], q[:, 2], q[:, 3] = 0.4 * times, 0.7, 1.0
    q[:, 5] = 0.1 * np.sin(3 * times)
    q[:, 3] = np.sqrt(1.0 - q[:, 5] ** 2)
    for k, phase in ((7, 0.0), (9, np.pi)):
        q[:, k] = -0.4 + 0.2 * np.sin(4 * times + phase)
        q[:, k + 1] = 0.8 + 0.2 * np.cos(4 * times + phase)
    q[:, 11] = 0.3 * np.sin(2 * times)
    return times, q
