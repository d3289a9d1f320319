"""The JSON API: a Flask application that parses, calls the planner and answers."""
