"""The robot as data: joints, trees and the files that describe them. No tensors here."""

from fkarm.model.joint import Joint, Mimic
from fkarm.model.report import Report
from fkarm.model.robot import Robot
from fkarm.model.solids import Body, Exclusion, Mass

__all__ = ["Body", "Exclusion", "Joint", "Mass", "Mimic", "Report", "Robot"]
