"""Profiles: the history of each vendor, and the inputs of the network that are made of it."""
