"""Pure: a ticket's journal and the catalog in, clocks and what to announce out. No I/O, no clock, no logging."""
