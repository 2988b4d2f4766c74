"""Models: the interface, messages, OpenAI's client and the built-in offline model."""
