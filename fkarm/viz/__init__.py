"""Pictures with matplotlib (extra `fkarm[viz]`), on every backend of Keras."""

from fkarm.viz.draw import draw_frame, draw_robot, plot_errors, plot_reach

__all__ = ["draw_frame", "draw_robot", "plot_errors", "plot_reach"]
