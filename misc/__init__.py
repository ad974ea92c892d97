"""The front desk: what several handlers share."""
