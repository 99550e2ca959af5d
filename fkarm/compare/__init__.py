"""Do two descriptions, a DH table and a URDF say, mean the same arm?

Two arms are the same when `T_a(q) = B T_b(s * q + o) T` for constant transforms B and T, senses
`s = +-1` and offsets `o`. The search works on joint screws (axis directions and moments):

1. Products of two screws of one configuration do not change under rigid motions; their squares
   do not change with a sense either. At one random configuration `q` of a, `search.py` finds the
   configurations `u` of b with the same squares, by damped least squares from many starts.
2. For each `u` and each choice of senses, `o = u - s q`. The pairs of senses and offsets that fit
   other configurations too are candidates.
3. The screws of a are those of b moved by B, with the senses as signs: `frames.py` fits B to them,
   which is a linear problem, and T to the tips.

The first and the last joint change no product: their offsets are part of B and T.
"""

from fkarm.compare.comparison import RobotComparison, compare_robots

__all__ = ["RobotComparison", "compare_robots"]
