"""Files in, files out: kinematics of tables that need not fit into memory (`fkarm[tables]`)."""

from fkarm.tables.columns import POSE_COLUMNS
from fkarm.tables.forward import forward_table
from fkarm.tables.solve import solve_table
from fkarm.tables.summary import TableSummary

__all__ = ["POSE_COLUMNS", "TableSummary", "forward_table", "solve_table"]
