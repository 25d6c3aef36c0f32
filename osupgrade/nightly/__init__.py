"""The whole matrix of paths, databases and scenarios: cut into even shards, run one by one, joined again."""
