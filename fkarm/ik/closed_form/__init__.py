"""Inverse kinematics in closed form: every solution of arms with a special geometry."""

from fkarm.ik.closed_form.form import ClosedForm, ClosedFormSolutions, closed_form

__all__ = ["ClosedForm", "ClosedFormSolutions", "closed_form"]
