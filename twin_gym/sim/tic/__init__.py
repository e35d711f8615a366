"""The simulator of tiny instant communication."""
