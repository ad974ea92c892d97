"""Probe, convert and encode media files. The only package that imports PyAV and Pillow."""
