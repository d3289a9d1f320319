"""The edges: command line and JSON API. They parse, call the planner and render."""
