"""Mails made up by a seed: charsets × ways of quoting × attachments × broken MIME, in Portuguese."""
