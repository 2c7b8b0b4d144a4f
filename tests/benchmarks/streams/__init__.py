"""The processes of the streaming benchmark: a model's server, relays to compare with, and many clients."""
