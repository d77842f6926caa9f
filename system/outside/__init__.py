"""Calls to those outside: a bank, an SMS gateway. Stress traffic reaches their doubles alone, or nobody."""
