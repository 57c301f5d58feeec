"""Mails that nobody should have sent, made by a seed: does the reader survive them, and what does it say?"""
