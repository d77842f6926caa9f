"""The season's rules (docs/season.md) as machines of small integers, for the explorer of `chaos/model`."""
