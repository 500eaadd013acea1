"""The site of `tests.frameworks.content`, in each framework."""
