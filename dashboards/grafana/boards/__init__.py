"""One file a dashboard: its panels, its words, why a panel may be empty. A file with a `BOARD` here is a dashboard."""
