"""One request from the queue to the delivered answer."""
