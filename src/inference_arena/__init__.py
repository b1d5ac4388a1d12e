"""Inference Arena: which model, engine and settings work best on this machine, and how sure that is."""

__version__ = "0.1.0"
