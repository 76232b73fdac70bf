"""Runs the stack as plain processes, without Docker."""
