"""Load with an open loop: latency counts from the intended time of sending, and the generator is judged too."""
