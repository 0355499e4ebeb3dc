"""What a service would do that is not there to be measured: larger nodes, and many of them.

A discrete-event simulation, seeded, whose every number comes from `parameters`.
"""
