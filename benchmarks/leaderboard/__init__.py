"""The leaderboard: numbers first (`summary`), then the same numbers as Markdown and as one page."""
