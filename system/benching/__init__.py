"""Synthetic counterparts for benchmarks only: bare servers and made histories. Nothing in production imports it."""
