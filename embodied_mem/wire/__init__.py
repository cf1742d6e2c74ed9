"""A simulator in another process, another environment or another Python: one protocol over a websocket.

Runs on Python 3.9 with numpy, msgpack and websockets alone, because that is what sits beside people's habitat-sim.
"""
