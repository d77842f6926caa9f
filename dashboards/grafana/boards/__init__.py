"""One file a dashboard: its panels, its words, its excuses. Each file with a `BOARD` here is a dashboard."""
