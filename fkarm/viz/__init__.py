"""Pictures with matplotlib (extra `fkarm[viz]`) and a viewer in the browser (`fkarm[view]`).

They work on every backend of Keras. Neither library is imported before it is used.
"""

from fkarm.viz.body_pictures import draw_bodies
from fkarm.viz.draw import draw_ellipsoid, draw_frame, draw_reach, draw_robot, fit_axes
from fkarm.viz.error_pictures import plot_errors, plot_reach
from fkarm.viz.page import Page, make_page
from fkarm.viz.picture import plot_robot
from fkarm.viz.reach_pictures import plot_reachability
from fkarm.viz.viewer import Viewer, view

__all__ = [
    "Page",
    "Viewer",
    "draw_bodies",
    "draw_ellipsoid",
    "draw_frame",
    "draw_reach",
    "draw_robot",
    "fit_axes",
    "make_page",
    "plot_errors",
    "plot_reach",
    "plot_reachability",
    "plot_robot",
    "view",
]
