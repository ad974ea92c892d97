"""The sites, and the proxy that leads to them."""
