"""Real SIP callers and agents' phones, driven through SIPp: for the demo, the benchmarks and the tests.

SIPp speaks SIP; media is ours (`ear.py`), because SIPp's own `play_dtmf` needs a raw socket, that is root.
Nothing here knows hotline's engine: what these phones saw is the truth that the engine is measured against.
"""
