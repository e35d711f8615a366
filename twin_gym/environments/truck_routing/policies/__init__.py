"""Policies of waste collection: rules, planned routes, and support vector machines."""
