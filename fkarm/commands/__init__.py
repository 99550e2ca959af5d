"""`python -m fkarm COMMAND`: a module each, with `add_arguments(parser)`, `run(options)`."""


class Refused(Exception):
    """What a command cannot do, told to the user.

    Args:
        message: What to tell.
        status: Exit status.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status
