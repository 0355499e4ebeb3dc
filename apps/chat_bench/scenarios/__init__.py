"""The work of a worker in each scenario."""
