"""The command line: reads requests, watches the solve, prints and writes results."""
