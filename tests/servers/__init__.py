"""The wrapper on real servers: uvicorn, hypercorn and granian, asked over sockets, byte for byte."""
