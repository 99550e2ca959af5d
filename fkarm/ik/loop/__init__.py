"""Steps of robots with many joints or links, by loops: compiled code of one size for all of them.

The robot is an input of the compiled code, as in `fkarm.kinematics.loop`.
"""

from fkarm.ik.loop.steps import Kind, Looped

__all__ = ["Kind", "Looped"]
