"""Title and indicators of edge caching in the tables of the board."""

TITLE = "Edge caching"
INDICATORS = {"hit_ratio": "hits of all requests"}
