"""Does training on generated twins make an agent better on the network that really comes?"""
