"""Contacts become tickets; no contact is ever lost."""
