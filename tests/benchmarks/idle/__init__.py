"""Clients that hold connections and say nothing."""
