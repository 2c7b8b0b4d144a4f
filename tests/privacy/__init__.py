"""What leaves the server, what stays, for how long, and who is told."""
