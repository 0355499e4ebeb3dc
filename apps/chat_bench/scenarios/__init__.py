"""What a worker does in each scenario."""
