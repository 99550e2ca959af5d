"""`python -m fkarm COMMAND`: a module per command, with `add_arguments(parser)`, `run(options)`."""

INTERRUPTED = 130  # exit status after Ctrl-C, as in shells


class Refused(Exception):
    """A command cannot be done; the user sees the message.

    Args:
        message: What must hold, what was received, what to try.
        status: Exit status.
    """

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status
