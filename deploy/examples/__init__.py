"""Programs to copy: how other systems speak to Prazo. Tests run them as they stand."""
