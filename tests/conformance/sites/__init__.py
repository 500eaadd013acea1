"""The pages of the HTTP cases as FastAPI apps, and how their cases are sent and compared."""
