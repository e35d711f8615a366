"""Paper A's arms for planned trucks: the next stop by history, with readings, with scenarios."""
