"""The hierarchy of twins: what a message twin gains from a policy twin that it asks."""
