"""What looks at a run while it goes on: the live view, the exporters, and questions to Prometheus."""
