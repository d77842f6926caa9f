"""The money protocol as a model: every interleaving and crash of tiny instances, checked against S1 to S12.

Owns nothing of the system and imports nothing of it: what it says of the code stands in docs/model.md. Pure, no I/O.
`python -m chaos.model` explores the sound protocol, `--remove RULE` one without a rule, `--table` each of them in turn.
"""
