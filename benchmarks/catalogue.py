"""What can be asked for. Imports no framework: the command line is checked before one is chosen."""

from __future__ import annotations

from typing import Any, NamedTuple

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}  # name: what pip installs
DEVICES = ("auto", "cpu", "gpu")
DTYPES = ("float32", "float64")
MODES = ("forward", "forward+gradient", "jacobian")

# Batches above these are skipped, so that a run ends: for one link; for every link of a tree.
ANY_BATCH = (10_000_000, 1_000_000)
MATMUL_BATCH = (1_000_000, 10_000)
MAPPED_BATCH = (10_000, 1_000)
LOOPED_BATCH = (1_000, 100)

# Arms: the end effector, the chain to it cut out. Humanoid: every link of the tree.
ARMS = ("panda", "fr3", "ur3", "ur5", "ur10", "ur5e", "ur10e", "iiwa7", "iiwa14")
TREES = {"g1": "g1_29dof_with_hand_rev_1_0.urdf"}  # a file of the package example-robot-data
ROBOTS = (*ARMS, *TREES)


class Case(NamedTuple):
    """One way to compute poses.

    Args:
        build: `"module:function"`. Of a backend's case: a function of a robot, links (a name or
            a tuple of names) and a dtype that returns `q (B, dof) -> poses (B, 4, 4)` or
            `(B, n, 4, 4)`. Of a peer and of the limit: a function of a `Task` that returns a
            `Trial`.
        how: How the backend runs it: `"eager"`, `"graph"` (its usual compiled form) or `"xla"`.
        largest: Largest batches, see above.
        jacobian: `"module:function"` of the case's own Jacobian, a function of a robot, a link
            and a dtype that returns `q -> (B, 6, dof)`, or the derivative of the pose
            `(B, 4, 4, dof)`; None: the backend differentiates the poses.
        modes: What it is measured in.
        exact: Largest errors that count as right, in float32 and in float64.
        matmul: Whether it multiplies matrices: accelerators round that to TF32, which is the
            case's own error; the row shows it.
        checked: Whether there is an answer to check.
        fragile: Whether the backend may refuse it: its error is then its row.
        environment: Of a peer: variables that its process starts with.
    """

    build: str
    how: str = "graph"
    largest: tuple[int, int] = ANY_BATCH
    jacobian: str | None = None
    modes: tuple[str, ...] = MODES
    exact: tuple[float, float] = (1e-4, 1e-9)
    matmul: bool = False
    checked: bool = True
    fragile: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def tolerance(self, dtype: str, device: str) -> float:
        """The largest error that counts as right."""
        if self.matmul and dtype == "float32" and device == "gpu":
            return 2e-2
        return self.exact[DTYPES.index(dtype)]


POSES = ("forward", "forward+gradient")
# Off TensorFlow, keras.ops may compute in float32 what is float64: sines on JAX, products on
# PyTorch. A peer may read its URDF in float32. The row shows the error.
LOOSE = (1e-4, 1e-5)

_MATMUL = Case("benchmarks.cases:stack_and_matmul", largest=MATMUL_BATCH, matmul=True)
_LAYER = Case("benchmarks.cases:layer", jacobian="benchmarks.cases:geometric_jacobian")
_COPY = Case("benchmarks.cases:copy", modes=("forward",), checked=False)
_LIMIT = Case("benchmarks.limit.trial:prepare", modes=POSES)
_FORUM = "benchmarks.forum:"

CASES: dict[str, dict[str, Case]] = {
    "tensorflow": {
        "map_fn per joint": _MATMUL._replace(
            build=_FORUM + "map_fn_per_joint", largest=MAPPED_BATCH
        ),
        "map_fn per configuration": _MATMUL._replace(
            build=_FORUM + "map_fn_per_configuration",
            jacobian=_FORUM + "map_fn_jacobian",
            largest=MAPPED_BATCH,
        ),
        "vectorized_map": _MATMUL._replace(build=_FORUM + "vectorized_map"),
        "Python loop": _MATMUL._replace(
            build=_FORUM + "python_loop", how="eager", largest=LOOPED_BATCH, modes=POSES
        ),
        "stack + matmul": _MATMUL,
        "stack + matmul (XLA)": _MATMUL._replace(how="xla"),
        "layer (eager)": _LAYER._replace(how="eager"),
        "layer": _LAYER,
        "layer (XLA)": _LAYER._replace(how="xla"),
        "empty call": Case(_FORUM + "empty_call", modes=("forward",), checked=False),
        "copy": _COPY,
        "limit (C)": _LIMIT,
    },
    "jax": {
        "ops.map": _MATMUL._replace(
            build="benchmarks.cases:mapped", largest=MAPPED_BATCH, exact=LOOSE
        ),
        "ops.vectorized_map": _MATMUL._replace(build="benchmarks.cases:vectorized", exact=LOOSE),
        "stack + matmul": _MATMUL._replace(exact=LOOSE),
        "layer": _LAYER._replace(exact=LOOSE),
        "copy": _COPY,
        "limit (C)": _LIMIT,
    },
    "torch": {
        "ops.map": _MATMUL._replace(
            build="benchmarks.cases:mapped",
            how="eager",
            largest=MAPPED_BATCH,
            exact=LOOSE,
            fragile=True,
        ),
        "ops.vectorized_map": _MATMUL._replace(
            build="benchmarks.cases:vectorized", how="eager", exact=LOOSE, fragile=True
        ),
        "stack + matmul": _MATMUL._replace(how="eager", exact=LOOSE),
        "layer (eager)": _LAYER._replace(how="eager"),
        "layer": _LAYER,
        "copy": _COPY._replace(how="eager"),
        "limit (C)": _LIMIT,
    },
}

# What frax's README recommends on a CPU: several times faster than JAX's own settings.
_FRAX = (
    (
        "XLA_FLAGS",
        "--xla_cpu_multi_thread_eigen=false "
        "--xla_cpu_scheduler_type=CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    ),
    ("OPENBLAS_NUM_THREADS", "1"),
)


def _peer(build: str, **settings: Any) -> Case:
    settings = {"largest": MATMUL_BATCH, "exact": LOOSE, "matmul": True, **settings}
    return Case(f"benchmarks.peers.{build}", **settings)


PEERS: dict[str, Case] = {
    "pytorch_kinematics (eager)": _peer("pytorch_kinematics:prepare", how="eager"),
    "pytorch_kinematics": _peer("pytorch_kinematics:prepare"),
    "PyRoki": _peer("pyroki:prepare"),
    "frax": _peer("frax:prepare", environment=_FRAX),
    "Pinocchio": _peer("pinocchio:prepare", largest=(100_000, 10_000)),
    "Pinocchio (threads)": _peer("pinocchio:prepare_threads"),
}


class IKPeer(NamedTuple):
    """Another library's inverse kinematics.

    Args:
        module: Of `benchmarks.peers.ik`.
        package: What pip knows it by, for its version.
        most: Targets of a set that it is given at most; of slow ones the first of a set.
    """

    module: str
    package: str
    most: int = 1000


IK_PEERS: dict[str, IKPeer] = {
    "Robotics Toolbox": IKPeer("toolbox", "roboticstoolbox-python"),
    "TRAC-IK (pytracik)": IKPeer("trac_ik", "pytracik"),
    "Pinocchio": IKPeer("pinocchio", "pin"),
    "Pink": IKPeer("pink", "pin-pink"),
    "mink": IKPeer("mink", "mink"),
    "pytorch_kinematics": IKPeer("pytorch_kinematics", "pytorch-kinematics"),
    "PyRoki": IKPeer("pyroki", "almond-pyroki", most=100),
}
