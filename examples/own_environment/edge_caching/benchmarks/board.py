"""What the tables of the board tell of edge caching."""

TITLE = "Edge caching"
INDICATORS = {"hit_ratio": "hits of all requests"}
