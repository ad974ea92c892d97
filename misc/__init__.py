"""Filters, middlewares, texts and keyboards that several handlers share."""
