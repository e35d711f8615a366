"""Printing and error reporting of all commands; no command is here."""
