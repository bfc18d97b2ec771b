"""The wire: names, envelopes, payloads, codes, and their way to bytes and back.

Pure: no event loop, no socket, no clock. Import from the modules; nothing is re-exported here.
"""
