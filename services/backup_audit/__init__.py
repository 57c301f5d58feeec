"""Did each client's backup really land in the directory the client provides? And if not: whose fault is it?"""
