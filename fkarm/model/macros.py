"""Files with xacro macros, which xacrodoc expands (extra `fkarm[xacro]`)."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from fkarm.errors import URDFError, how_to_install
from fkarm.model.source import Source

_COMMAND = "xacro FILE > robot.urdf"
_LOCK = Lock()  # xacro keeps the file that it reads in global variables


def expanded(given: Source, where: str) -> Source:
    """The URDF that a file of macros describes. Default values stand for its arguments.

    Args:
        given: The file.
        where: What messages call the element with the first macro.
    Raises:
        URDFError: If it is no file (a text has no folder from which to include others), xacrodoc
            is not installed, or it cannot expand the file.
    """
    if given.path is None:
        raise URDFError(
            f"{where}: xacro must be expanded. Received: macros in a text. Give the path of the "
            f"file, or run first: {_COMMAND}."
        )
    try:
        import xacro
        import xacrodoc
    except ModuleNotFoundError as error:
        raise URDFError(
            f"{where}: xacro must be expanded. Received: macros. Run first: {_COMMAND}, or install "
            f"what expands them here: {how_to_install('xacro')}."
        ) from error
    try:
        with _LOCK:
            # Now xacro asks xacrodoc for packages, whose own reader loses the file's folder.
            xacrodoc.packages.update_package_cache(_packages_above(given.path))
            text = xacro.process_file(str(given.path)).toxml()
    except Exception as error:  # macros hold expressions of Python, which raise anything
        raise URDFError(
            f"{given.label}: xacro must be able to expand the macros. Received: {error}. Packages "
            "are looked for above the file and in ROS_PACKAGE_PATH. If the file needs arguments, "
            "run first: xacro FILE name:=value > robot.urdf."
        ) from error
    return Source(f"{given.label}, expanded", text, None, URDFError)


def _packages_above(path: Path) -> dict[str, Path]:
    """The folders above a file, the nearest of each name, also by the names of their packages."""
    from rospkg import get_package_name

    packages = {}
    for folder in reversed(path.resolve().parents):
        packages[folder.name] = folder
        if (folder / "package.xml").is_file():
            packages[get_package_name(str(folder))] = folder
    return packages
