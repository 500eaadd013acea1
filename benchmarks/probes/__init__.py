"""Scripts that are run as cold processes and print one line of JSON about themselves."""
