"""Rows of a batch: whether the rows of two tensors match, and the weight of a row."""

from __future__ import annotations

from typing import Any

from keras import ops


def check_same_rows(true: tuple, pred: tuple, width: int) -> None:
    """Raise ValueError unless targets and predictions have the same batch axes.

    A single target matches any number of predictions, and an axis of size one matches any size.

    Args:
        true: Shape of the targets, None where a size is unknown.
        pred: Shape of the predictions.
        width: Number of last axes that hold one row.
    """
    batches = [tuple(shape)[:-width] for shape in (true, pred)]
    if () in batches or _match(*batches):
        return
    raise ValueError(
        "y_true and y_pred must have the same batch axes. Received: shapes "
        f"{tuple(true)} and {tuple(pred)}. If one target holds for a whole axis, such as "
        "several links, insert that axis: y_true[:, None]."
    )


def row_weights(values: Any, sample_weight: Any, mask: Any) -> Any:
    """Weight of every value: the weight of its row, zero for masked rows. None without either.

    Args:
        values: One value per row, or several. Shape `(..., *rest)`.
        sample_weight: Weights of the rows, or None. Shape `(...)`, or with more axes of `values`.
        mask: Whether a row counts, or None; see `live_rows`.
    Returns:
        Shape and dtype of `values`.
    Raises:
        ValueError: If a shape does not begin with the batch axes of `values`.
    """
    weights = [] if sample_weight is None else [_per_value("sample_weight", sample_weight, values)]
    if mask is not None:
        weights.append(_per_value("The mask", live_rows(mask, len(values.shape)), values))
    return ops.multiply(*weights) if len(weights) == 2 else next(iter(weights), None)


def live_rows(mask: Any, rank: int) -> Any:
    """Which rows count, with `rank` axes. The mask of a padded matrix has one axis more."""
    extra = tuple(range(rank, len(mask.shape)))
    return ops.any(ops.cast(mask, "bool"), axis=extra) if extra else mask


def _per_value(name: str, weight: Any, values: Any) -> Any:
    weight = ops.cast(ops.convert_to_tensor(weight), values.dtype)
    rank = len(values.shape)
    while len(weight.shape) > rank and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    begins = tuple(values.shape)[: len(weight.shape)]
    if len(weight.shape) > rank or not all(map(_fits, weight.shape, begins)):
        raise ValueError(
            f"{name} must have one weight per row or one per value: its shape must begin like that "
            f"of the values, {tuple(values.shape)}. Received: shape {tuple(weight.shape)}."
        )
    missing = tuple(range(len(weight.shape), rank))
    weight = ops.expand_dims(weight, missing) if missing else weight
    return ops.broadcast_to(weight, ops.shape(values))


def _match(a: tuple, b: tuple) -> bool:
    return len(a) == len(b) and all(_fits(x, y) or _fits(y, x) for x, y in zip(a, b, strict=True))


def _fits(size: int | None, other: int | None) -> bool:
    return size == other or size == 1 or None in (size, other)
