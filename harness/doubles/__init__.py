"""Stand-ins for those outside whom the system calls (`system.contract.parties`): a bank, an SMS gateway.

Each has a latency, errors, a rate limit and late answers of its own (`mood`), and keeps what it has done. One process
serves all of them: `python -m harness.doubles`.
"""
