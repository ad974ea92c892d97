"""Domain types, errors and pure rules. No I/O and no third-party libraries."""
