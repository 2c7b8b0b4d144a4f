"""Faults that only whole processes have: killed, stopped, cut off and sent away under load."""
