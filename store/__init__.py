"""The truth: one SQL database through SQLAlchemy. Every other view can be rebuilt from it."""
