"""The front door: the version, and the command that hands over to training and serving."""

__version__ = "0.1.0"
