"""The same rules as the compiled kernels, told as SimPy stories: slow, short, and easy to check."""
