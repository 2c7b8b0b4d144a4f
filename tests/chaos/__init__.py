"""Whole processes killed, stopped, cut off and deployed anew under load, seen by real clients."""
