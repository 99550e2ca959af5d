"""Inverse kinematics in closed form: every solution of arms with a special geometry."""

from fkarm.ik.closed_form.find import closed_form
from fkarm.ik.closed_form.form import ClosedForm, ClosedFormSolutions

__all__ = ["ClosedForm", "ClosedFormSolutions", "closed_form"]
