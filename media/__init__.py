"""Files on disk: probing, converting, encoding. The only package that imports PyAV and Pillow."""
