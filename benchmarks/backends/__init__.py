"""What differs between backends: placing, compiling, differentiating, waiting, memory.

Each module has the same functions: `check_device`, `tensor`, `compiled`, `with_gradient`,
`with_jacobian`, `wait`, `array`, `memory`. `trial` makes a contestant of a case with them.
"""
