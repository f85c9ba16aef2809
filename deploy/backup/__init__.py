"""`make backup`, `make restore`: all databases to one point in time, and back (see README.md beside this file)."""
