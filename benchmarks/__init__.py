"""What the documents say about speed and success, measured: `fk`, `ik`, `promises`, `learned`."""
