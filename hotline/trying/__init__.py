"""`hotline try`: a call without a telephone.

The flow is walked by the engine's own interpreter; ours are the caller's ear and hand (a terminal or a script), a clock
that only prompts and waits move, and a queue without agents.
"""
