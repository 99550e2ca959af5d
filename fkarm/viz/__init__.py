"""Pictures (extra `fkarm[viz]`). Import it by name."""

from fkarm.viz.draw import draw_frame, draw_robot, plot_errors, plot_reach

__all__ = ["draw_frame", "draw_robot", "plot_errors", "plot_reach"]
