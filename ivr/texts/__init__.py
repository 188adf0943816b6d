"""Adapters of the text gateway port (`ivr.flow.outside.TextGateway`): a file, a web service, a command."""
