"""End-to-end tests of the gateway, written from the specification and never from the code."""
