"""Testing: what a user of the bus may test with, without a socket or an event loop. The bus itself never imports it."""
