"""Where chunks are computed: in this process, or on a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from fkarm.errors import TableError, how_to_install
from fkarm.tables.chunks import Chunk
from fkarm.tables.jobs import Job

Results = Iterator[tuple[Chunk, dict[str, np.ndarray]]]
Engine = Callable[[Job, Iterator[Chunk]], Results]

# A chunk is computed by one core, so that a cluster of any shape is full.
_ENVIRONMENT = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
# Chunks that are computed or wait, per core of the cluster.
_CHUNKS_PER_CORE = 2


def run_here(job: Job, chunks: Iterator[Chunk]) -> Results:
    """Compute one chunk after the other."""
    for chunk in chunks:
        yield chunk, job(chunk.numbers)


def run_on_ray(job: Job, chunks: Iterator[Chunk]) -> Results:
    """Compute chunks on a Ray cluster, as they are finished.

    The cluster is that of `ray.init` if it was called, else that at `RAY_ADDRESS`, else the one
    that runs on this machine. This process reads and writes; the others need fkarm, and no files.
    Ray repeats chunks whose machine is lost.

    Raises:
        ConnectionError: If there is no cluster.
        ModuleNotFoundError: If Ray is not installed.
        TableError: If the cluster fails to compute a chunk, though it tried several times.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"engine='ray' needs Ray. Install it: {how_to_install('cluster')}.", name=error.name
        ) from error
    if not ray.is_initialized():
        ray.init(os.environ.get("RAY_ADDRESS", "auto"), log_to_driver=False)
    variables = {"KERAS_BACKEND": keras.backend.backend(), **_ENVIRONMENT}
    compute = ray.remote(num_cpus=1, runtime_env={"env_vars": variables})(_compute)
    shared = ray.put(job)
    running: dict[Any, Chunk] = {}
    try:
        for chunk in chunks:
            running[compute.remote(shared, chunk.numbers)] = chunk
            while len(running) >= _CHUNKS_PER_CORE * ray.cluster_resources().get("CPU", 1):
                yield _next(ray, running)
        while running:
            yield _next(ray, running)
    finally:
        for each in running:
            ray.cancel(each)


def _compute(job: Job, numbers: np.ndarray) -> dict[str, np.ndarray]:
    return job(numbers)


def _next(ray: Any, running: dict[Any, Chunk]) -> tuple[Chunk, dict[str, np.ndarray]]:
    """Wait for a chunk, and take it from those that run."""
    (ready, *_), _ = ray.wait(list(running), num_returns=1)
    chunk = running.pop(ready)
    try:
        return chunk, ray.get(ready)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise TableError(f"Ray could not compute chunk {chunk.number}: {error}") from error


ENGINES: dict[str, Engine] = {"local": run_here, "ray": run_on_ray}
