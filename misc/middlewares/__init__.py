"""What every update passes before a handler gets it."""
