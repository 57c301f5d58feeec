"""How Prazo is run: the stack without Docker, topics, configuration."""
