"""The words of the house: nouns, errors and pure rules. No I/O and no third-party library."""
