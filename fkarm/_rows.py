"""Rows of a batch: which of two tensors belong together, and how much each counts."""

from __future__ import annotations

from typing import Any

from keras import ops


def check_same_rows(true: tuple, pred: tuple, width: int) -> None:
    """Raise ValueError unless targets and predictions have the same batch axes.

    A single target goes with any number of predictions, and an axis of size one with any size.

    Args:
        true: Shape of the targets, None where a size is unknown.
        pred: Shape of the predictions.
        width: How many last axes a row has.
    """
    batches = [tuple(shape)[:-width] for shape in (true, pred)]
    if () in batches or _go_together(*batches):
        return
    raise ValueError(
        "y_true and y_pred must have the same batch axes. Received: shapes "
        f"{tuple(true)} and {tuple(pred)}. Where one target is meant for all of an axis, such as "
        "several links, give that axis its place: y_true[:, None]."
    )


def row_weights(values: Any, sample_weight: Any, mask: Any) -> Any:
    """Weights of values: those of their rows, zero where a mask says so; None without either.

    Args:
        values: One value per row, or several. Shape `(..., *rest)`.
        sample_weight: Weights of the rows, or None. Shape `(...)`, or with more axes of `values`.
        mask: Whether a row counts, or None; as for `live_rows`.
    Returns:
        Shape of `values`, in its dtype.
    Raises:
        ValueError: If a shape does not begin as that of `values`.
    """
    weights = [] if sample_weight is None else [_for_each("sample_weight", sample_weight, values)]
    if mask is not None:
        weights.append(_for_each("The mask", live_rows(mask, len(values.shape)), values))
    return ops.multiply(*weights) if len(weights) == 2 else next(iter(weights), None)


def live_rows(mask: Any, rank: int) -> Any:
    """Which rows, with `rank` axes, count: the mask of a padded matrix has an axis more."""
    extra = tuple(range(rank, len(mask.shape)))
    return ops.any(ops.cast(mask, "bool"), axis=extra) if extra else mask


def _for_each(name: str, weight: Any, values: Any) -> Any:
    weight = ops.cast(ops.convert_to_tensor(weight), values.dtype)
    rank = len(values.shape)
    while len(weight.shape) > rank and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    begins = tuple(values.shape)[: len(weight.shape)]
    if len(weight.shape) > rank or not all(map(_fits, weight.shape, begins)):
        raise ValueError(
            f"{name} must have one weight per row, or one per value: a shape that begins as that "
            f"of the values, {tuple(values.shape)}. Received: shape {tuple(weight.shape)}."
        )
    missing = tuple(range(len(weight.shape), rank))
    weight = ops.expand_dims(weight, missing) if missing else weight
    return ops.broadcast_to(weight, ops.shape(values))


def _go_together(a: tuple, b: tuple) -> bool:
    return len(a) == len(b) and all(_fits(x, y) or _fits(y, x) for x, y in zip(a, b, strict=True))


def _fits(size: int | None, other: int | None) -> bool:
    return size == other or size == 1 or None in (size, other)
