"""Real phones for the tests: `phones.py` is the async side, `phone_process.py` the child that runs pjsua2."""
