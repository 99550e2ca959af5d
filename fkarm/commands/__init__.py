"""`python -m fkarm COMMAND`: a module each, with `add_arguments(parser)`, `run(options)`."""


class Refused(Exception):
    """What a command cannot do, told to the user; its exit status is 1."""
