"""The kinds of node, one module each: the schema and what it does, side by side.

A new kind is a new module here and one more name in `ivr.flow.model.Node`.
"""
